import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A queue with a dead-letter queue: what is received three times and never deleted ends there. */
public class DeadLetter {
    public static void main(String[] args) {
        SqsClient sqs = SqsClient.create();

        String deadUrl = sqs.createQueue(r -> r.queueName("payments-dead")).queueUrl();
        String deadArn = sqs.getQueueAttributes(r -> r.queueUrl(deadUrl).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes().get(QueueAttributeName.QUEUE_ARN);
        String redrivePolicy = String.format("{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":\"3\"}", deadArn);
        String queueUrl = sqs.createQueue(r -> r.queueName("payments").attributes(Map.of(
                QueueAttributeName.VISIBILITY_TIMEOUT, "1", QueueAttributeName.REDRIVE_POLICY, redrivePolicy))).queueUrl();

        sqs.sendMessage(r -> r.queueUrl(queueUrl).messageBody("a payment that nobody can book"));

        List<Message> messages;
        do {
            messages = sqs.receiveMessage(r -> r.queueUrl(queueUrl).waitTimeSeconds(3)
                    .messageSystemAttributeNames(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT)).messages();
            for (Message message : messages) // and does not delete it
                System.out.printf("try %s fails%n",
                        message.attributes().get(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT));
        } while (!messages.isEmpty());

        for (Message message : sqs.receiveMessage(r -> r.queueUrl(deadUrl).waitTimeSeconds(20)).messages())
            System.out.println("in the dead-letter queue: " + message.body());

        List<String> sources = sqs.listDeadLetterSourceQueues(r -> r.queueUrl(deadUrl)).queueUrls();
        System.out.println("which is that of: "
                + sources.stream().map(url -> url.substring(url.lastIndexOf('/') + 1)).collect(Collectors.joining(", ")));

        sqs.deleteQueue(r -> r.queueUrl(queueUrl));
        sqs.deleteQueue(r -> r.queueUrl(deadUrl));
    }
}
