package tests;

import static tests.Tally.check;

import com.amazon.sqs.javamessaging.ProviderConfiguration;
import com.amazon.sqs.javamessaging.SQSConnection;
import com.amazon.sqs.javamessaging.SQSConnectionFactory;
import com.amazon.sqs.javamessaging.SQSSession;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.ObjectMessage;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.CreateQueueRequest;

/**
 * Jakarta Messaging on SQS, by AWS's own library. A consumer is left open: to close one takes as long as the poll that
 * fetches ahead for it.
 */
class Jms {
    private static final long LIMIT_MS = 60_000; // a watchdog
    private static final List<String> NUMBERS = List.of(
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed");
    private static SQSConnection connection;

    private static Queue queue(Session session, String name, Map<String, String> attributes) throws JMSException {
        var client = connection.getWrappedAmazonSQSClient();
        check(false, client.queueExists(name), "whether " + name + " is there");
        client.createQueue(CreateQueueRequest.builder().queueName(name).attributesWithStrings(attributes).build());
        check(true, client.queueExists(name), "whether " + name + " is there");
        return session.createQueue(name);
    }

    private static void checkEmpty(String name) {
        var sqs = connection.getAmazonSQSClient();
        var url = sqs.getQueueUrl(r -> r.queueName(name)).queueUrl();
        var said = sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNamesWithStrings("All")).attributesAsStrings();
        for (var number : NUMBERS)
            check("0", said.get(number), number);
    }

    private static Message receive(MessageConsumer consumer) throws JMSException {
        var message = consumer.receive(LIMIT_MS);
        check(true, message != null, "whether a message came");
        return message;
    }

    private static void everyKind() throws JMSException {
        var session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        var queue = queue(session, "kinds", Map.of());
        var producer = session.createProducer(queue);
        var consumer = session.createConsumer(queue);

        var text = session.createTextMessage("Grüße");
        text.setStringProperty("name", "cat");
        text.setIntProperty("count", 3);
        text.setDoubleProperty("share", 1.5);
        text.setBooleanProperty("last", true);
        text.setJMSCorrelationID("c");
        text.setJMSReplyTo(queue);
        producer.send(text);
        var received = (TextMessage) receive(consumer);
        check(text.getText(), received.getText(), "text");
        check(text.getJMSMessageID(), received.getJMSMessageID(), "id");
        check("c", received.getJMSCorrelationID(), "correlation id");
        check(queue, received.getJMSReplyTo(), "queue for the answer");
        check("cat 3 1.5 true 1", received.getStringProperty("name") + " " + received.getIntProperty("count") + " "
                + received.getDoubleProperty("share") + " " + received.getBooleanProperty("last") + " "
                + received.getIntProperty("JMSXDeliveryCount"), "properties");

        var bytes = session.createBytesMessage();
        bytes.writeBytes(new byte[] {0, 1, (byte) 255});
        producer.send(bytes);
        check(3L, ((BytesMessage) receive(consumer)).getBodyLength(), "bytes");
        producer.send(session.createObjectMessage(new ArrayList<>(List.of(1, 2))));
        check(List.of(1, 2), ((ObjectMessage) receive(consumer)).getObject(), "object");
        producer.setDeliveryDelay(1000);
        producer.send(session.createTextMessage("delayed"));
        check("delayed", ((TextMessage) receive(consumer)).getText(), "text");
        checkEmpty("kinds");
    }

    private static Message receiveAll(MessageConsumer consumer, int count, int tries) throws JMSException {
        var texts = new TreeSet<String>();
        Message last = null;
        for (int n = 0; n < count; n++) {
            last = receive(consumer);
            texts.add(((TextMessage) last).getText());
            check(tries, last.getIntProperty("JMSXDeliveryCount"), "times delivered");
            check(tries > 1, last.getJMSRedelivered(), "redelivered");
        }
        check(count, texts.size(), "different messages");
        return last;
    }

    private static void recovered() throws JMSException {
        var session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
        var queue = queue(session, "recovered", Map.of("VisibilityTimeout", "600"));
        var producer = session.createProducer(queue);
        for (int n = 0; n < 25; n++)
            producer.send(session.createTextMessage("" + n));
        var consumer = session.createConsumer(queue);
        receiveAll(consumer, 25, 1);
        session.recover();
        receiveAll(consumer, 25, 2).acknowledge();
        checkEmpty("recovered");
    }

    private static void oneByOne() throws JMSException {
        var session = connection.createSession(false, SQSSession.UNORDERED_ACKNOWLEDGE);
        var queue = queue(session, "unordered", Map.of());
        var producer = session.createProducer(queue);
        var consumer = session.createConsumer(queue);
        for (int n = 0; n < 3; n++)
            producer.send(session.createTextMessage("" + n));
        for (int n = 0; n < 3; n++)
            receive(consumer).acknowledge();
        checkEmpty("unordered");
    }

    private static void listener() throws JMSException, InterruptedException {
        var session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        var queue = queue(session, "groups.fifo", Map.of("FifoQueue", "true", "VisibilityTimeout", "600"));
        BlockingQueue<String> handled = new LinkedBlockingQueue<>();
        session.createConsumer(queue).setMessageListener(message -> {
            try {
                if (message.getStringProperty("JMSXGroupID").equals("b") && !message.getJMSRedelivered())
                    throw new IllegalArgumentException("not at the first time");
                handled.add(message.getStringProperty("JMSXGroupID") + ((TextMessage) message).getText());
            } catch (JMSException fault) {
                handled.add(fault.toString());
            }
        });
        var producer = session.createProducer(queue);
        for (int n = 0; n < 8; n++) {
            var message = session.createTextMessage("" + n / 2);
            message.setStringProperty("JMSXGroupID", n % 2 == 0 ? "a" : "b");
            message.setStringProperty("JMS_SQS_DeduplicationId", "d" + n);
            producer.send(message);
        }
        var inOrder = new ArrayList<String>();
        for (int n = 0; n < 8; n++)
            inOrder.add(handled.poll(LIMIT_MS, TimeUnit.MILLISECONDS));
        for (var group : List.of("a", "b"))
            check(List.of(group + 0, group + 1, group + 2, group + 3),
                    inOrder.stream().filter(each -> each != null && each.startsWith(group)).toList(), "handled of this group");
    }

    public static void main(String[] args) throws JMSException {
        connection = new SQSConnectionFactory(new ProviderConfiguration(), SqsClient.builder()).createConnection();
        connection.start();
        var tally = new Tally();
        tally.test("carry messages of every kind, with their properties (JMS)", Jms::everyKind);
        tally.test("deliver again what a session recovers, until it is acknowledged (JMS)", Jms::recovered);
        tally.test("acknowledge messages one by one (JMS)", Jms::oneByOne);
        tally.test("keep order in groups for a listener that fails at first (JMS)", Jms::listener);
        tally.close();
    }
}
