import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** Sends, extends and deletes messages in batches. */
public class Batch {
    private static SendMessageBatchRequestEntry entry(String id, String body) {
        return SendMessageBatchRequestEntry.builder().id(id).messageBody(body).build();
    }

    public static void main(String[] args) {
        SqsClient sqs = SqsClient.create();
        String queueUrl = sqs.createQueue(r -> r.queueName("readings")).queueUrl();

        List<SendMessageBatchRequestEntry> entries = new ArrayList<>();
        for (int n = 0; n < 9; n++)
            entries.add(entry("reading-" + n, n + " degrees"));
        entries.add(entry("broken", "\0")); // a character that SQS does not carry
        var sent = sqs.sendMessageBatch(r -> r.queueUrl(queueUrl).entries(entries));
        System.out.println("sent: " + sent.successful().size());
        for (BatchResultErrorEntry failure : sent.failed())
            System.out.printf("refused: %s, %s, sender's fault: %s%n", failure.id(), failure.code(), failure.senderFault());

        List<Message> received = new ArrayList<>();
        while (received.size() < sent.successful().size())
            received.addAll(sqs.receiveMessage(
                    r -> r.queueUrl(queueUrl).maxNumberOfMessages(10).waitTimeSeconds(20)).messages());
        System.out.println("received: "
                + received.stream().map(Message::body).sorted().collect(Collectors.joining(", ")));

        var extended = sqs.changeMessageVisibilityBatch(r -> r.queueUrl(queueUrl)
                .entries(IntStream.range(0, received.size())
                        .mapToObj(n -> ChangeMessageVisibilityBatchRequestEntry.builder().id("" + n)
                                .receiptHandle(received.get(n).receiptHandle()).visibilityTimeout(60).build())
                        .toList()));
        System.out.println("extended: " + extended.successful().size());

        var deleted = sqs.deleteMessageBatch(r -> r.queueUrl(queueUrl)
                .entries(IntStream.range(0, received.size())
                        .mapToObj(n -> DeleteMessageBatchRequestEntry.builder().id("" + n)
                                .receiptHandle(received.get(n).receiptHandle()).build())
                        .toList()));
        System.out.println("deleted: " + deleted.successful().size());

        sqs.deleteQueue(r -> r.queueUrl(queueUrl));
    }
}
