import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A FIFO queue: order within each group, and no duplicates. */
public class Fifo {
    public static void main(String[] args) {
        SqsClient sqs = SqsClient.create();
        String queueUrl = sqs.createQueue(r -> r.queueName("accounts.fifo").attributes(Map.of(
                QueueAttributeName.FIFO_QUEUE, "true",
                QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true"))).queueUrl();

        for (String booking : List.of("alice +100", "bob +50", "alice -30", "alice -30")) {
            String account = booking.split(" ")[0];
            sqs.sendMessage(r -> r.queueUrl(queueUrl).messageBody(booking).messageGroupId(account));
            System.out.println("sent: " + booking); // the second -30 has the same body, and is the same booking
        }

        List<Message> messages;
        do {
            messages = sqs.receiveMessage(r -> r.queueUrl(queueUrl).maxNumberOfMessages(1)
                    .messageSystemAttributeNames(MessageSystemAttributeName.MESSAGE_GROUP_ID)).messages();
            for (Message message : messages) {
                System.out.printf("received: %s, of the group %s%n", message.body(),
                        message.attributes().get(MessageSystemAttributeName.MESSAGE_GROUP_ID));
                // Until it is deleted, nothing else of its group is received.
                sqs.deleteMessage(r -> r.queueUrl(queueUrl).receiptHandle(message.receiptHandle()));
            }
        } while (!messages.isEmpty());

        sqs.deleteQueue(r -> r.queueUrl(queueUrl));
    }
}
