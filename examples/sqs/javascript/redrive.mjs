// Moves messages of a dead-letter queue back to where they came from, once their cause is mended.
import { setTimeout as sleep } from 'node:timers/promises'
import { SQS } from '@aws-sdk/client-sqs'

const sqs = new SQS({})

const { QueueUrl: deadUrl } = await sqs.createQueue({ QueueName: 'mails-dead' })
const dead = await sqs.getQueueAttributes({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] })
const SourceArn = dead.Attributes.QueueArn
const { QueueUrl } = await sqs.createQueue({
	QueueName: 'mails',
	Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: SourceArn, maxReceiveCount: 1 }) },
})

// Two mails that cannot be sent: received, given back, and too often received then.
for (const MessageBody of ['to nobody', 'to everybody']) await sqs.sendMessage({ QueueUrl, MessageBody })
for (;;) {
	const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 })
	if (!Messages) break
	for (const { Body } of Messages) console.log(`cannot be sent: ${Body}`)
}

await sqs.startMessageMoveTask({ SourceArn })
let task
do {
	await sleep(200)
	task = (await sqs.listMessageMoveTasks({ SourceArn })).Results[0]
} while (task.Status === 'RUNNING')
console.log(`${task.Status}: moved ${task.ApproximateNumberOfMessagesMoved}`)

let received = 0
while (received < 2) {
	const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 })
	for (const { ReceiptHandle } of Messages) await sqs.deleteMessage({ QueueUrl, ReceiptHandle })
	received += Messages.length
}
console.log(`sent after all: ${received}`)

await sqs.deleteQueue({ QueueUrl })
await sqs.deleteQueue({ QueueUrl: deadUrl })
