// A FIFO queue: order within each group, and no duplicates.
import { SQS } from '@aws-sdk/client-sqs'

const sqs = new SQS({})
const { QueueUrl } = await sqs.createQueue({
	QueueName: 'accounts.fifo',
	Attributes: { FifoQueue: 'true', ContentBasedDeduplication: 'true' },
})

for (const [account, booking] of [['alice', '+100'], ['bob', '+50'], ['alice', '-30'], ['alice', '-30']]) {
	await sqs.sendMessage({ QueueUrl, MessageBody: `${account} ${booking}`, MessageGroupId: account })
	console.log(`sent: ${account} ${booking}`) // the second -30 has the same body, and is the same booking
}

for (;;) {
	const { Messages } = await sqs.receiveMessage({
		QueueUrl,
		MaxNumberOfMessages: 1,
		MessageSystemAttributeNames: ['MessageGroupId'],
	})
	if (!Messages) break
	for (const { Body, Attributes, ReceiptHandle } of Messages) {
		console.log(`received: ${Body}, of the group ${Attributes.MessageGroupId}`)
		// Until it is deleted, nothing else of its group is received.
		await sqs.deleteMessage({ QueueUrl, ReceiptHandle })
	}
}

await sqs.deleteQueue({ QueueUrl })
