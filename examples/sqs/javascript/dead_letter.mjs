// A queue with a dead-letter queue: what is received three times and never deleted ends there.
import { SQS } from '@aws-sdk/client-sqs'

const sqs = new SQS({})

const { QueueUrl: deadUrl } = await sqs.createQueue({ QueueName: 'payments-dead' })
const { Attributes } = await sqs.getQueueAttributes({ QueueUrl: deadUrl, AttributeNames: ['QueueArn'] })
const redrivePolicy = { deadLetterTargetArn: Attributes.QueueArn, maxReceiveCount: 3 }
const { QueueUrl } = await sqs.createQueue({
	QueueName: 'payments',
	Attributes: { VisibilityTimeout: '1', RedrivePolicy: JSON.stringify(redrivePolicy) },
})

await sqs.sendMessage({ QueueUrl, MessageBody: 'a payment that nobody can book' })

for (;;) {
	const { Messages } = await sqs.receiveMessage({
		QueueUrl,
		WaitTimeSeconds: 3,
		MessageSystemAttributeNames: ['ApproximateReceiveCount'],
	})
	if (!Messages) break
	for (const { Attributes } of Messages) console.log(`try ${Attributes.ApproximateReceiveCount} fails`) // and does not delete it
}

const { Messages } = await sqs.receiveMessage({ QueueUrl: deadUrl, WaitTimeSeconds: 20 })
for (const { Body } of Messages) console.log(`in the dead-letter queue: ${Body}`)

const { queueUrls } = await sqs.listDeadLetterSourceQueues({ QueueUrl: deadUrl })
console.log(`which is that of: ${queueUrls.map((url) => url.split('/').pop()).join(', ')}`)

await sqs.deleteQueue({ QueueUrl })
await sqs.deleteQueue({ QueueUrl: deadUrl })
