// A worker with sqs-consumer, as applications have it: it handles messages in parallel, keeps long ones for itself by
// a heartbeat, fails on one until that is in the dead-letter queue, and handles it after it has been moved back.
import { once } from 'node:events'
import { SQS } from '@aws-sdk/client-sqs'
import { Consumer } from 'sqs-consumer'

const limit = AbortSignal.timeout(120_000) // a watchdog
const sqs = new SQS({ maxAttempts: 1 })
const dead = await sqs.createQueue({ QueueName: 'worker-dead' })
const { Attributes } = await sqs.getQueueAttributes({ QueueUrl: dead.QueueUrl, AttributeNames: ['QueueArn'] })
const redrivePolicy = { deadLetterTargetArn: Attributes.QueueArn, maxReceiveCount: 2 }
const { QueueUrl } = await sqs.createQueue({
	QueueName: 'worker',
	Attributes: { VisibilityTimeout: '5', RedrivePolicy: JSON.stringify(redrivePolicy) },
})

const handled = []
const errors = []
let failures = 0
let processed = 0
let isMended = false
const worker = Consumer.create({
	queueUrl: QueueUrl,
	sqs,
	batchSize: 10,
	waitTimeSeconds: 20,
	visibilityTimeout: 5,
	heartbeatInterval: 1,
	terminateVisibilityTimeout: true,
	messageAttributeNames: ['All'],
	handleMessage: async (message) => {
		if (message.Body === 'bad' && !isMended) {
			failures++
			throw new Error('cannot handle this')
		}
		// Longer than the visibility timeout: the heartbeat keeps it.
		if (message.Body === 'long') await new Promise((done) => setTimeout(done, 6500))
		handled.push(`${message.Body} ${message.MessageAttributes.kind.StringValue}`)
		return message
	},
})
worker.on('error', (error) => errors.push(error.message))
worker.on('timeout_error', (error) => errors.push(error.message))
worker.on('processing_error', () => {}) // the bad one
worker.on('message_processed', () => processed++) // and deleted

async function handledAre(count) {
	while (processed < count) await once(worker, 'message_processed', { signal: limit })
}

let passed = 0
let failed = 0
async function test(sentence, body) {
	try {
		await body()
		passed++
		console.log(`ok: should ${sentence} (sqs-consumer)`)
	} catch (fault) {
		failed++
		console.log(`not ok: should ${sentence} (sqs-consumer): ${fault.message}; errors: ${errors.join(', ')}`)
	}
}

function check(expected, value, what) {
	if (JSON.stringify(expected) !== JSON.stringify(value)) throw new Error(`${what}: ${JSON.stringify(value)}, not ${JSON.stringify(expected)}`)
}

const MessageAttributes = { kind: { DataType: 'String', StringValue: 'job' } }
worker.start()

await test('handle what is sent while it waits', async () => {
	const bodies = ['1', '2', '3', 'long', '4']
	await sqs.sendMessageBatch({ QueueUrl, Entries: bodies.map((MessageBody, n) => ({ Id: `${n}`, MessageBody, MessageAttributes })) })
	await handledAre(bodies.length)
	check(bodies.map((body) => `${body} job`).sort(), [...handled].sort(), 'handled')
})

await test('lose a message that it cannot handle to the dead-letter queue', async () => {
	await sqs.sendMessage({ QueueUrl, MessageBody: 'bad', MessageAttributes })
	const receive = { QueueUrl: dead.QueueUrl, WaitTimeSeconds: 20, VisibilityTimeout: 0 }
	let messages
	while (!messages) messages = (await sqs.receiveMessage(receive, { abortSignal: limit })).Messages
	check(['bad'], messages.map(({ Body }) => Body), 'in the dead-letter queue')
	check(2, failures, 'times that it was tried')
})

await test('handle it after it has been moved back', async () => {
	isMended = true
	await sqs.startMessageMoveTask({ SourceArn: Attributes.QueueArn })
	await handledAre(6)
	check('bad job', handled.at(-1), 'handled last')
})

await test('leave nothing behind', async () => {
	const stopped = once(worker, 'stopped', { signal: limit })
	worker.stop({ abort: true })
	await stopped
	const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible']
	let left
	do left = (await sqs.getQueueAttributes({ QueueUrl, AttributeNames }, { abortSignal: limit })).Attributes
	while (Object.values(left).some((count) => count !== '0'))
	// A heartbeat may cross the delete of its message.
	check([], errors.filter((error) => !error.startsWith('Error changing visibility timeout')), 'errors')
})

console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
