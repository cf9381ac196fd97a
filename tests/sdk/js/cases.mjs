// The cases of ../cases/*.json (its README has the form) through the JavaScript SDK, against $AWS_ENDPOINT_URL_SQS.
// Run by ../serve.py; ../cases.py does the same through boto3. Argument: part of a case's sentence.
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import * as sqs from '@aws-sdk/client-sqs'
import { Unexpected, close, test } from './tally.mjs'
import { runMore } from './more.mjs'

const folder = process.env.SDK_CASES
const untilMs = 40_000
const errors = JSON.parse(readFileSync(join(folder, 'errors.json'), 'utf8'))
// One try: an answer that is retried would hide a fault.
const client = new sqs.SQSClient({ endpoint: process.env.AWS_ENDPOINT_URL_SQS, maxAttempts: 1 })

// The limit is a watchdog.
const call = (action, input) =>
	client.send(new sqs[`${action}Command`](input), { abortSignal: AbortSignal.timeout(60_000) })

// ---- what a case says --------------------------------------------------------------------------

function filled(value, known) {
	if (typeof value === 'string')
		return value.replace(/\$\{([^}]+)\}/g, (_, name) => {
			if (!(name in known)) throw new Unexpected(`the case knows no ${name}`)
			return known[name]
		})
	if (Array.isArray(value)) return value.map((each) => filled(each, known))
	if (value === null || typeof value !== 'object') return value
	if (value.$repeat) return value.$repeat[0].repeat(value.$repeat[1])
	if (value.$bytes) return new Uint8Array(Buffer.from(value.$bytes, 'base64'))
	return Object.fromEntries(Object.entries(value).map(([name, each]) => [filled(name, known), filled(each, known)]))
}

function shown(value) {
	const text = JSON.stringify(value) ?? String(value)
	return text.length < 400 ? text : `${text.slice(0, 400)}...`
}

const plain = (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value)
const members = (object) => Object.keys(object).filter((name) => object[name] !== undefined).sort()

// Throws where a result is not as expected.
function match(expected, value, where = 'result') {
	let isMatch
	if (expected === null || expected === undefined) isMatch = value === undefined
	else if (typeof expected === 'string' && expected.startsWith('~'))
		isMatch = typeof value === 'string' && new RegExp(expected.slice(1), 's').test(value)
	else if (Array.isArray(expected)) {
		isMatch = Array.isArray(value) && value.length === expected.length
		if (isMatch) expected.forEach((each, index) => match(each, value[index], `${where}.${index}`))
	} else if (expected instanceof Uint8Array) isMatch = plain(expected) === plain(value)
	else if (typeof expected === 'object') return matchObject(expected, value, where)
	else isMatch = value === expected
	if (!isMatch) throw new Unexpected(`${where} is ${shown(value)}, not ${shown(expected)}`)
}

function matchObject(expected, value, where) {
	if (expected.$json) return match({ $exactly: expected.$json }, JSON.parse(value), where)
	if ('$length' in expected) return match(expected.$length, value?.length ?? 0, `${where} (length)`)
	if (expected.$unordered) return match([...expected.$unordered].sort(), [...(value ?? [])].sort(), where)
	if (typeof value !== 'object') throw new Unexpected(`${where} is ${shown(value)}, not ${shown(expected)}`)
	const wanted = expected.$exactly ?? expected
	if (expected.$exactly && !isDeepStrictEqual(members(value), members(wanted)))
		throw new Unexpected(`${where} has ${members(value)}, not ${members(wanted)}`)
	for (const [name, each] of Object.entries(wanted)) match(each, value[name], `${where}.${name}`)
}

// ---- digests -----------------------------------------------------------------------------------

const md5 = (data) => createHash('md5').update(data).digest('hex')

function attributesMd5(attributes = {}) {
	const hash = createHash('md5')
	const add = (bytes) => {
		const length = Buffer.alloc(4)
		length.writeUInt32BE(bytes.length)
		hash.update(length).update(bytes)
	}
	const names = Object.keys(attributes).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
	for (const name of names) {
		const { DataType, StringValue, BinaryValue } = attributes[name]
		add(Buffer.from(name))
		add(Buffer.from(DataType))
		hash.update(Buffer.from([DataType.startsWith('Binary') ? 2 : 1]))
		add(BinaryValue ?? Buffer.from(StringValue))
	}
	return names.length ? hash.digest('hex') : undefined
}

function checkSent(sent, answer) {
	match(md5(sent.MessageBody), answer.MD5OfMessageBody, 'MD5OfMessageBody')
	match(attributesMd5(sent.MessageAttributes), answer.MD5OfMessageAttributes, 'MD5OfMessageAttributes')
	match(attributesMd5(sent.MessageSystemAttributes), answer.MD5OfMessageSystemAttributes, 'MD5OfMessageSystemAttributes')
}

function checkDigests(action, sent, result) {
	if (action === 'SendMessage') checkSent(sent, result)
	if (action === 'SendMessageBatch')
		for (const answer of result.Successful ?? []) checkSent(sent.Entries.find((entry) => entry.Id === answer.Id), answer)
	for (const message of (action === 'ReceiveMessage' && result.Messages) || []) {
		match(md5(message.Body), message.MD5OfBody, 'MD5OfBody')
		match(attributesMd5(message.MessageAttributes), message.MD5OfMessageAttributes, 'MD5OfMessageAttributes of a received message')
	}
}

// ---- errors ------------------------------------------------------------------------------------

// Was it refused as expected: class, code of the header, HTTP status, words?
function checkRefusal(refused, expected) {
	if (!(refused instanceof sqs.SQSServiceException)) throw refused
	if (!expected.error) throw new Unexpected(`refused: ${refused.Code} (${refused.$metadata.httpStatusCode}): ${refused.message}`)
	const code = expected.error === 'any' ? refused.Code : expected.error
	const { type, status, message } = errors[code]
	match(code, refused.Code, "the error's code")
	match('Sender', refused.Type, `the fault of ${code}`)
	match(sqs[type] ? type : code, refused.name, `the name of ${code}`)
	match(`~#${type}$`, refused.__type, `the __type of ${code}`)
	match(status, refused.$metadata.httpStatusCode, `the HTTP status of ${code}`)
	const words = expected.message ?? message
	if (words) match(words, refused.message, `the message of ${code}`)
	if (sqs[type] && !(refused instanceof sqs[type])) throw new Unexpected(`${code} is not a ${type}`)
}

// ---- cases -------------------------------------------------------------------------------------

async function createQueues(queues, known) {
	for (const [name, attributes] of Object.entries(queues)) {
		const queue = `case-${randomBytes(5).toString('hex')}-${name}${attributes.FifoQueue ? '.fifo' : ''}`
		const { QueueUrl } = await call('CreateQueue', { QueueName: queue, Attributes: filled(attributes, known) })
		const { Attributes } = await call('GetQueueAttributes', { QueueUrl, AttributeNames: ['QueueArn'] })
		Object.assign(known, { [name]: QueueUrl, [`${name}.name`]: queue, [`${name}.arn`]: Attributes.QueueArn })
	}
}

async function once(action, sent, expected, save, known) {
	let result
	try {
		result = await call(action, sent)
	} catch (refused) {
		return checkRefusal(refused, expected)
	}
	if (expected.error) throw new Unexpected(`not refused, but answered with ${shown(result)}`)
	delete result.$metadata
	checkDigests(action, sent, result)
	match(expected, result)
	for (const [name, path] of Object.entries(save)) known[name] = path.split('.').reduce((part, each) => part[each], result)
}

async function step(known, action, input, wanted = {}, { save = {}, until = false } = {}) {
	const sent = filled(input, known)
	const expected = filled(wanted, known)
	const end = Date.now() + (until ? untilMs : 0)
	for (;;)
		try {
			return await once(action, sent, expected, save, known)
		} catch (fault) {
			if (!(fault instanceof Unexpected)) throw fault
			if (Date.now() >= end) throw new Unexpected(`${fault.message}; of ${action} ${shown(sent)}`)
		}
}

async function run({ queues = {}, steps }) {
	const known = {}
	try {
		await createQueues(queues, known)
		for (const each of steps) await step(known, ...each)
	} finally {
		for (const name of Object.keys(queues))
			if (known[name]) await call('DeleteQueue', { QueueUrl: known[name] }).catch(() => {}) // by the case itself
	}
}

console.log(`@aws-sdk/client-sqs on Node ${process.version}`)
for (const file of readdirSync(join(folder, 'cases')).filter((name) => name.endsWith('.json')).sort())
	for (const each of JSON.parse(readFileSync(join(folder, 'cases', file), 'utf8')))
		await test(`${each.it} (${file.replace('.json', '')})`, () => run(each))
await runMore()
close()
