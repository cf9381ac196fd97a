// Sends a message with attributes, waits for it, asks for more time, deletes it.
import {
	ChangeMessageVisibilityCommand,
	CreateQueueCommand,
	DeleteMessageCommand,
	DeleteQueueCommand,
	GetQueueUrlCommand,
	QueueDoesNotExist,
	ReceiveMessageCommand,
	SendMessageCommand,
	SQSClient,
} from '@aws-sdk/client-sqs'

const client = new SQSClient({})

async function findOrCreate(QueueName) {
	try {
		return await client.send(new GetQueueUrlCommand({ QueueName }))
	} catch (error) {
		if (!(error instanceof QueueDoesNotExist)) throw error
		console.log('no queue yet: creating it')
		return client.send(new CreateQueueCommand({ QueueName, Attributes: { VisibilityTimeout: '30' } }))
	}
}

const { QueueUrl } = await findOrCreate('orders')

await client.send(
	new SendMessageCommand({
		QueueUrl,
		MessageBody: 'one large pizza',
		MessageAttributes: {
			customer: { DataType: 'String', StringValue: 'Zoë' },
			total: { DataType: 'Number', StringValue: '12.50' },
		},
	}),
)
console.log('sent')

const { Messages } = await client.send(
	new ReceiveMessageCommand({
		QueueUrl,
		MaxNumberOfMessages: 10,
		WaitTimeSeconds: 20,
		MessageAttributeNames: ['All'],
		MessageSystemAttributeNames: ['ApproximateReceiveCount'],
	}),
)
for (const { Body, Attributes, MessageAttributes, ReceiptHandle } of Messages) {
	const { customer, total } = MessageAttributes
	const attempt = Attributes.ApproximateReceiveCount
	console.log(`received: ${Body} for ${customer.StringValue}, ${total.StringValue}, try ${attempt}`)

	// It takes longer than the queue's visibility timeout.
	await client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 120 }))
	console.log('extended')

	await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
	console.log('deleted')
}

await client.send(new DeleteQueueCommand({ QueueUrl }))
