import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;

/** Sends a message with attributes, waits for it, asks for more time, deletes it. */
public class SendReceive {
    private static final SqsClient sqs = SqsClient.create();

    private static String findOrCreate(String name) {
        try {
            return sqs.getQueueUrl(r -> r.queueName(name)).queueUrl();
        } catch (QueueDoesNotExistException e) {
            System.out.println("no queue yet: creating it");
            return sqs.createQueue(
                    r -> r.queueName(name).attributes(Map.of(QueueAttributeName.VISIBILITY_TIMEOUT, "30"))).queueUrl();
        }
    }

    private static MessageAttributeValue attribute(String type, String value) {
        return MessageAttributeValue.builder().dataType(type).stringValue(value).build();
    }

    public static void main(String[] args) {
        String queueUrl = findOrCreate("orders");

        sqs.sendMessage(r -> r.queueUrl(queueUrl)
                .messageBody("one large pizza")
                .messageAttributes(Map.of("customer", attribute("String", "Zoë"), "total", attribute("Number", "12.50"))));
        System.out.println("sent");

        for (Message message : sqs.receiveMessage(r -> r.queueUrl(queueUrl)
                .maxNumberOfMessages(10)
                .waitTimeSeconds(20)
                .messageAttributeNames("All")
                .messageSystemAttributeNames(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT)).messages()) {
            System.out.printf("received: %s for %s, %s, try %s%n", message.body(),
                    message.messageAttributes().get("customer").stringValue(),
                    message.messageAttributes().get("total").stringValue(),
                    message.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));

            // It takes longer than the queue's visibility timeout.
            String handle = message.receiptHandle();
            sqs.changeMessageVisibility(r -> r.queueUrl(queueUrl).receiptHandle(handle).visibilityTimeout(120));
            System.out.println("extended");

            sqs.deleteMessage(r -> r.queueUrl(queueUrl).receiptHandle(handle));
            System.out.println("deleted");
        }

        sqs.deleteQueue(r -> r.queueUrl(queueUrl));
    }
}
