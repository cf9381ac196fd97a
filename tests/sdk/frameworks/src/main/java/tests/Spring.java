package tests;

import static tests.Tally.check;

import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.listener.SqsHeaders.MessageSystemAttributes;
import io.awspring.cloud.sqs.listener.acknowledgement.BatchAcknowledgement;
import io.awspring.cloud.sqs.listener.errorhandler.AsyncErrorHandler;
import io.awspring.cloud.sqs.listener.errorhandler.ImmediateRetryAsyncErrorHandler;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.support.MessageBuilder;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Spring Cloud AWS: listeners, and the template that sends and receives. The queues are made by Spring if not here. */
@SpringBootApplication
public class Spring {
    public record Order(int number, String text) {}

    private static final long LIMIT_S = 60; // a watchdog
    private static final SqsClient sqs = SqsClient.create();
    private static final BlockingQueue<Object> handled = new LinkedBlockingQueue<>();
    private static SqsTemplate template;

    @SqsListener(queueNames = "orders", pollTimeoutSeconds = "2")
    void order(Order order, @Header("kind") String kind, @Header("weight") int weight) {
        handled.add(List.of(order, kind, weight));
    }

    @SqsListener(queueNames = "batches", maxMessagesPerPoll = "25", maxConcurrentMessages = "25", acknowledgementMode = "MANUAL",
            pollTimeoutSeconds = "2")
    void batch(List<Message<String>> messages, BatchAcknowledgement<String> acknowledgement) {
        acknowledgement.acknowledge(messages);
        messages.forEach(message -> handled.add(message.getPayload()));
    }

    // What was received beside a message that fails is given back by its timeout alone.
    @SqsListener(queueNames = "groups.fifo", pollTimeoutSeconds = "2", messageVisibilitySeconds = "3")
    void group(String text, @Header(MessageSystemAttributes.SQS_MESSAGE_GROUP_ID_HEADER) String group,
            @Header(MessageSystemAttributes.SQS_APPROXIMATE_RECEIVE_COUNT) String count) {
        if (group.equals("b") && count.equals("1"))
            throw new IllegalStateException("not at the first time");
        handled.add(group + text);
    }

    @SqsListener(queueNames = "failing", pollTimeoutSeconds = "2", messageVisibilitySeconds = "600")
    void fail(Message<String> message) {
        handled.add("try " + message.getHeaders().get(MessageSystemAttributes.SQS_APPROXIMATE_RECEIVE_COUNT));
        throw new IllegalStateException("never");
    }

    @Bean
    AsyncErrorHandler<Object> errors() {
        return new ImmediateRetryAsyncErrorHandler<>();
    }

    private static List<Object> handled(int count) throws InterruptedException {
        var list = new ArrayList<>();
        for (int n = 0; n < count; n++)
            list.add(String.valueOf(handled.poll(LIMIT_S, TimeUnit.SECONDS)));
        return list;
    }

    private static void sends() throws InterruptedException {
        var order = new Order(7, "Grüße");
        template.send(to -> to.queue("orders").payload(order).header("kind", "new").header("weight", 12).delaySeconds(1));
        check(List.of("[" + order + ", new, 12]"), handled(1), "handled");
    }

    private static void batches() throws InterruptedException {
        var texts = new TreeSet<>();
        for (int batch = 0; batch < 5; batch++) {
            var messages = new ArrayList<Message<String>>();
            for (int n = 0; n < 10; n++)
                messages.add(MessageBuilder.withPayload(batch + "-" + n).build());
            messages.forEach(message -> texts.add(message.getPayload()));
            check(10, template.sendMany("batches", messages).successful().size(), "sent");
        }
        check(texts, new TreeSet<>(handled(50)), "handled");
    }

    private static void groups() throws InterruptedException {
        for (int n = 0; n < 10; n++) {
            var text = "" + n / 2;
            var group = n % 2 == 0 ? "a" : "b";
            template.send(to -> to.queue("groups.fifo").payload(text).messageGroupId(group).messageDeduplicationId(group + text));
        }
        var inOrder = handled(10);
        for (var group : List.of("a", "b"))
            check(List.of(group + 0, group + 1, group + 2, group + 3, group + 4),
                    inOrder.stream().filter(each -> each.toString().startsWith(group)).toList(), "handled of this group");
    }

    private static void fails() throws InterruptedException {
        template.send("failing", "bad");
        check(List.of("try 1", "try 2", "try 3"), handled(3), "handled");
        var dead = template.receive(from -> from.queue("failing-dead").pollTimeout(Duration.ofSeconds(20)), String.class);
        check("bad", dead.orElseThrow().getPayload(), "dead letter");
    }

    private static void receives() {
        for (int n = 0; n < 10; n++)
            template.send("plain", "text");
        var received = template.receiveMany(from -> from.queue("plain").maxNumberOfMessages(10), String.class);
        check(10, received.size(), "messages received");
    }

    private static void ends(ConfigurableApplicationContext context) {
        context.close();
        for (var url : sqs.listQueues().queueUrls())
            sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.ALL)).attributesAsStrings()
                    .forEach((name, value) -> check(true, !name.startsWith("ApproximateNumber") || value.equals("0"), url + ": " + name));
    }

    private static ConfigurableApplicationContext start() {
        var dead = sqs.createQueue(r -> r.queueName("failing-dead")).queueUrl();
        var arn = sqs.getQueueAttributes(r -> r.queueUrl(dead).attributeNames(QueueAttributeName.QUEUE_ARN)).attributes()
                .get(QueueAttributeName.QUEUE_ARN);
        var redrive = "{\"deadLetterTargetArn\":\"" + arn + "\",\"maxReceiveCount\":3}";
        sqs.createQueue(r -> r.queueName("failing").attributes(Map.of(QueueAttributeName.REDRIVE_POLICY, redrive)));
        var application = new SpringApplication(Spring.class);
        application.setBannerMode(Banner.Mode.OFF);
        return application.run("--spring.cloud.aws.sqs.endpoint=" + System.getenv("AWS_ENDPOINT_URL_SQS"));
    }

    public static void main(String[] args) {
        var context = start();
        template = context.getBean(SqsTemplate.class);
        var tally = new Tally();
        tally.test("hand an object and its headers to a listener (Spring)", Spring::sends);
        tally.test("hand batches to a listener, and acknowledge them (Spring)", Spring::batches);
        tally.test("keep order in groups for a listener that fails at first (Spring)", Spring::groups);
        tally.test("lose what a listener never handles to the dead-letter queue (Spring)", Spring::fails);
        tally.test("receive a batch, and acknowledge it (Spring)", Spring::receives);
        tally.test("end, and leave nothing behind (Spring)", () -> ends(context));
        tally.close();
    }
}
