import java.util.Arrays;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.*;

/** What the AWS SDK for Java makes of errors, and the checks of digests that it has of its own. */
public class ErrorCodes {
    private static final SqsClient sqs = SqsClient.create();
    private static int passed, failed;

    private static void report(String sentence, String fault) {
        if (fault == null)
            passed++;
        else
            failed++;
        System.out.println((fault == null ? "ok: should " : "not ok: should ") + sentence + (fault == null ? "" : ": " + fault));
    }

    private static void refused(Class<? extends SqsException> type, String code, int status, Runnable call) {
        String sentence = "be refused with " + code + " as " + type.getSimpleName();
        try {
            call.run();
            report(sentence, "it is not refused");
        } catch (SqsException e) {
            String seen = e.getClass().getSimpleName() + " " + e.awsErrorDetails().errorCode() + " " + e.statusCode();
            String wanted = type.getSimpleName() + " " + code + " " + status;
            report(sentence, seen.equals(wanted) ? null : seen + ": " + e.getMessage());
        }
    }

    private static SendMessageBatchRequestEntry entry(String id) {
        return SendMessageBatchRequestEntry.builder().id(id).messageBody("a").build();
    }

    private static void digests(String url) {
        byte[] bytes = {0, 1, 2, (byte) 255};
        sqs.sendMessage(r -> r.queueUrl(url).messageBody("Grüße\r\n").messageAttributes(Map.of(
                "text", MessageAttributeValue.builder().dataType("String.label").stringValue("𝄞").build(),
                "bytes", MessageAttributeValue.builder().dataType("Binary").binaryValue(SdkBytes.fromByteArray(bytes)).build())));
        Message message = sqs.receiveMessage(r -> r.queueUrl(url).waitTimeSeconds(20).messageAttributeNames("All")).messages().get(0);
        boolean isSame = message.body().equals("Grüße\r\n")
                && Arrays.equals(message.messageAttributes().get("bytes").binaryValue().asByteArray(), bytes)
                && message.messageAttributes().get("text").stringValue().equals("𝄞");
        report("pass the SDK's own check of digests", isSame ? null : "received " + message);
    }

    public static void main(String[] args) {
        String url = sqs.createQueue(r -> r.queueName("errors").attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "0"))).queueUrl();
        String gone = url + "-none";
        digests(url);

        refused(QueueDoesNotExistException.class, "AWS.SimpleQueueService.NonExistentQueue", 400,
                () -> sqs.sendMessage(r -> r.queueUrl(gone).messageBody("a")));
        refused(QueueNameExistsException.class, "QueueAlreadyExists", 400,
                () -> sqs.createQueue(r -> r.queueName("errors").attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "1"))));
        refused(InvalidAttributeNameException.class, "InvalidAttributeName", 400,
                () -> sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNamesWithStrings("Foobar")));
        refused(InvalidAttributeValueException.class, "InvalidAttributeValue", 400,
                () -> sqs.setQueueAttributes(r -> r.queueUrl(url).attributes(Map.of(QueueAttributeName.DELAY_SECONDS, "901"))));
        refused(SqsException.class, "InvalidParameterValue", 400,
                () -> sqs.receiveMessage(r -> r.queueUrl(url).maxNumberOfMessages(11)));
        refused(SqsException.class, "MissingParameter", 400,
                () -> sqs.sendMessage(r -> r.queueUrl(url).messageBody("")));
        refused(InvalidMessageContentsException.class, "InvalidMessageContents", 400,
                () -> sqs.sendMessage(r -> r.queueUrl(url).messageBody("\u0001")));
        refused(ReceiptHandleIsInvalidException.class, "ReceiptHandleIsInvalid", 400,
                () -> sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle("garbage")));
        refused(EmptyBatchRequestException.class, "AWS.SimpleQueueService.EmptyBatchRequest", 400,
                () -> sqs.sendMessageBatch(r -> r.queueUrl(url).entries(List.of())));
        refused(BatchEntryIdsNotDistinctException.class, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400,
                () -> sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entry("1"), entry("1"))));
        refused(InvalidBatchEntryIdException.class, "AWS.SimpleQueueService.InvalidBatchEntryId", 400,
                () -> sqs.sendMessageBatch(r -> r.queueUrl(url).entries(entry("a b"))));
        refused(PurgeQueueInProgressException.class, "AWS.SimpleQueueService.PurgeQueueInProgress", 403, () -> {
            sqs.purgeQueue(r -> r.queueUrl(url));
            sqs.purgeQueue(r -> r.queueUrl(url));
        });
        refused(ResourceNotFoundException.class, "ResourceNotFoundException", 404,
                () -> sqs.startMessageMoveTask(r -> r.sourceArn("arn:aws:sqs:us-east-1:000000000000:none")));

        sqs.deleteQueue(r -> r.queueUrl(url));
        System.out.printf("%d passed, %d failed%n", passed, failed);
        System.exit(failed == 0 ? 0 : 1);
    }
}
