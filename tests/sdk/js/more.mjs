// What cannot be said as a list of calls and answers: several clients at once, and what is in this SDK only.
import { SQS, paginateListQueues } from '@aws-sdk/client-sqs'
import { Unexpected, test } from './tally.mjs'

// Shorter than the longest poll, so that one which does not wake is a fault.
const limitMs = 15_000
const endpoint = process.env.AWS_ENDPOINT_URL_SQS
const client = (settings = {}) => new SQS({ maxAttempts: 1, ...settings })
const sqs = client()
const bounded = () => ({ abortSignal: AbortSignal.timeout(limitMs) })

async function queue(name, Attributes = {}) {
	return (await sqs.createQueue({ QueueName: `more-${name}`, Attributes })).QueueUrl
}

function check(expected, value, what) {
	if (JSON.stringify(value) !== JSON.stringify(expected))
		throw new Unexpected(`${what}: ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`)
}

async function poll(QueueUrl) {
	const { Messages = [] } = await client().receiveMessage({ QueueUrl, WaitTimeSeconds: 20 }, bounded())
	return Messages.map(({ Body }) => Body)
}

async function wakesBySend() {
	const QueueUrl = await queue('wake')
	const [received] = await Promise.all([poll(QueueUrl), sqs.sendMessage({ QueueUrl, MessageBody: 'a' })])
	check(['a'], received, 'received')
}

async function wakesByDelete() {
	const QueueUrl = await queue('wake-group.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' })
	for (const MessageBody of ['1', '2']) await sqs.sendMessage({ QueueUrl, MessageBody, MessageGroupId: 'g' })
	const { Messages } = await sqs.receiveMessage({ QueueUrl })
	const { ReceiptHandle } = Messages[0]
	const [received] = await Promise.all([poll(QueueUrl), sqs.deleteMessage({ QueueUrl, ReceiptHandle })])
	check(['2'], received, 'received')
}

async function goesAway() {
	const QueueUrl = await queue('gone')
	const away = new AbortController()
	const polled = sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 20 }, { abortSignal: away.signal })
	setTimeout(() => away.abort(), 200)
	const fault = await polled.catch((error) => error)
	check('AbortError', fault.name, 'the end of the poll')
	await sqs.sendMessage({ QueueUrl, MessageBody: 'a' })
	check(['a'], await poll(QueueUrl), 'received by the next client')
}

async function pages() {
	const urls = new Set()
	for (let n = 0; n < 5; n++) urls.add(await queue(`page-${n}`))
	const found = []
	for await (const { QueueUrls } of paginateListQueues({ client: sqs, pageSize: 2 }, { QueueNamePrefix: 'more-page-' }))
		found.push(...QueueUrls)
	check([...urls].sort(), found.sort(), 'the queues listed')
}

async function byQueueUrl() {
	// With the endpoint from the environment, the SDK sends to the queue URL's origin.
	const QueueUrl = await queue('origin')
	check(new URL(endpoint).host, new URL(QueueUrl).host, 'the host of a queue URL')
	const named = client({ endpoint: endpoint.replace('127.0.0.1', 'localhost') })
	const { QueueUrl: other } = await named.getQueueUrl({ QueueName: 'more-origin' })
	check('localhost', new URL(other).hostname, 'the host of a queue URL, called by another name')
	await sqs.sendMessage({ QueueUrl: other, MessageBody: 'a' })
	check(['a'], await poll(QueueUrl), 'received')
}

async function consumers() {
	const QueueUrl = await queue('many')
	for (let first = 0; first < 100; first += 10) {
		const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `${n}`, MessageBody: `${first + n}` }))
		check(10, (await sqs.sendMessageBatch({ QueueUrl, Entries })).Successful.length, 'sent')
	}
	const got = []
	const consume = async () => {
		for (;;) {
			const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 7, WaitTimeSeconds: 1 }, bounded())
			if (!Messages) return
			got.push(...Messages.map(({ Body }) => Number(Body)))
			const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: `${n}`, ReceiptHandle }))
			await sqs.deleteMessageBatch({ QueueUrl, Entries })
		}
	}
	await Promise.all(Array.from({ length: 8 }, consume))
	check(Array.from({ length: 100 }, (_, n) => n), got.sort((a, b) => a - b), 'received')
}

export async function runMore() {
	await test('wake a long poll by a message that is sent (JavaScript)', wakesBySend)
	await test('wake a long poll when the message before it in its group is deleted (JavaScript)', wakesByDelete)
	await test('lose no message to a client that has gone away in its long poll (JavaScript)', goesAway)
	await test('list queues by a paginator (JavaScript)', pages)
	await test('answer queue URLs with the host that the client has called (JavaScript)', byQueueUrl)
	await test('give every message to one of many consumers (JavaScript)', consumers)
}
