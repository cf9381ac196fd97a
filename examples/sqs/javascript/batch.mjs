// Sends, extends and deletes messages in batches.
import { SQS } from '@aws-sdk/client-sqs'

const sqs = new SQS({})
const { QueueUrl } = await sqs.createQueue({ QueueName: 'readings' })

const Entries = Array.from({ length: 9 }, (_, n) => ({ Id: `reading-${n}`, MessageBody: `${n} degrees` }))
Entries.push({ Id: 'broken', MessageBody: '\x00' }) // a character that SQS does not carry
const { Successful, Failed = [] } = await sqs.sendMessageBatch({ QueueUrl, Entries })
console.log(`sent: ${Successful.length}`)
for (const { Id, Code, SenderFault } of Failed) console.log(`refused: ${Id}, ${Code}, sender's fault: ${SenderFault}`)

const received = []
while (received.length < Successful.length) {
	const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 20 })
	received.push(...Messages)
}
const bodies = received.map(({ Body }) => Body).sort()
console.log(`received: ${bodies.join(', ')}`)

const handles = received.map(({ ReceiptHandle }, n) => ({ Id: `${n}`, ReceiptHandle }))
const extended = await sqs.changeMessageVisibilityBatch({
	QueueUrl,
	Entries: handles.map((entry) => ({ ...entry, VisibilityTimeout: 60 })),
})
console.log(`extended: ${extended.Successful.length}`)

const deleted = await sqs.deleteMessageBatch({ QueueUrl, Entries: handles })
console.log(`deleted: ${deleted.Successful.length}`)

await sqs.deleteQueue({ QueueUrl })
