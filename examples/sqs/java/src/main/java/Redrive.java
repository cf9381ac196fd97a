import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.ListMessageMoveTasksResultEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Moves messages of a dead-letter queue back to where they came from, once their cause is mended. */
public class Redrive {
    public static void main(String[] args) throws InterruptedException {
        SqsClient sqs = SqsClient.create();

        String deadUrl = sqs.createQueue(r -> r.queueName("mails-dead")).queueUrl();
        String deadArn = sqs.getQueueAttributes(r -> r.queueUrl(deadUrl).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes().get(QueueAttributeName.QUEUE_ARN);
        String redrivePolicy = String.format("{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":\"1\"}", deadArn);
        String queueUrl = sqs.createQueue(r -> r.queueName("mails")
                .attributes(Map.of(QueueAttributeName.REDRIVE_POLICY, redrivePolicy))).queueUrl();

        // Two mails that cannot be sent: received, given back, and too often received then.
        for (String body : List.of("to nobody", "to everybody"))
            sqs.sendMessage(r -> r.queueUrl(queueUrl).messageBody(body));
        List<Message> messages;
        do {
            messages = sqs.receiveMessage(
                    r -> r.queueUrl(queueUrl).maxNumberOfMessages(10).visibilityTimeout(0)).messages();
            for (Message message : messages)
                System.out.println("cannot be sent: " + message.body());
        } while (!messages.isEmpty());

        sqs.startMessageMoveTask(r -> r.sourceArn(deadArn));
        ListMessageMoveTasksResultEntry task;
        do {
            Thread.sleep(200);
            task = sqs.listMessageMoveTasks(r -> r.sourceArn(deadArn)).results().get(0);
        } while (task.status().equals("RUNNING"));
        System.out.printf("%s: moved %d%n", task.status(), task.approximateNumberOfMessagesMoved());

        int received = 0;
        while (received < 2)
            for (Message message : sqs.receiveMessage(
                    r -> r.queueUrl(queueUrl).maxNumberOfMessages(10).waitTimeSeconds(20)).messages()) {
                sqs.deleteMessage(r -> r.queueUrl(queueUrl).receiptHandle(message.receiptHandle()));
                received++;
            }
        System.out.println("sent after all: " + received);

        sqs.deleteQueue(r -> r.queueUrl(queueUrl));
        sqs.deleteQueue(r -> r.queueUrl(deadUrl));
    }
}
