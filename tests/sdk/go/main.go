// The AWS SDK for Go against $AWS_ENDPOINT_URL_SQS: what a consumer does, and what errors look like.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

var (
	client         *sqs.Client
	passed, failed int
)

func test(sentence string, body func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if err := body(ctx); err != nil {
		failed++
		fmt.Printf("not ok: should %s: %v\n", sentence, err)
		return
	}
	passed++
	fmt.Printf("ok: should %s\n", sentence)
}

func check(wanted, got any, what string) error {
	if !reflect.DeepEqual(wanted, got) {
		return fmt.Errorf("%s: %v, not %v", what, got, wanted)
	}
	return nil
}

func create(ctx context.Context, name string, attributes map[string]string) string {
	out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		fmt.Println("not ok: should create", name, err)
		os.Exit(1)
	}
	return *out.QueueUrl
}

func arnOf(ctx context.Context, url string) (string, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		return "", err
	}
	return out.Attributes["QueueArn"], nil
}

func receive(ctx context.Context, url string, maximum, waitSeconds int32) ([]types.Message, error) {
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: maximum, WaitTimeSeconds: waitSeconds,
		MessageAttributeNames:       []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}})
	if err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// The SDK checks the digests of bodies itself.
func sendReceive(ctx context.Context) error {
	url := create(ctx, "go", nil)
	attributes := map[string]types.MessageAttributeValue{
		"text":  {DataType: aws.String("String"), StringValue: aws.String("Grüße 𝄞")},
		"bytes": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
	}
	_, err := client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &url, MessageBody: aws.String("a\r\nb"), MessageAttributes: attributes})
	if err != nil {
		return err
	}
	messages, err := receive(ctx, url, 10, 20)
	if err != nil || len(messages) != 1 {
		return fmt.Errorf("received %d, %v", len(messages), err)
	}
	message := messages[0]
	if _, err = client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 60}); err != nil {
		return err
	}
	if _, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: &url, ReceiptHandle: message.ReceiptHandle}); err != nil {
		return err
	}
	return errors.Join(
		check("a\r\nb", *message.Body, "body"),
		check("Grüße 𝄞", *message.MessageAttributes["text"].StringValue, "text"),
		check([]byte{0, 1, 255}, message.MessageAttributes["bytes"].BinaryValue, "bytes"),
		check("1", message.Attributes["ApproximateReceiveCount"], "receive count"))
}

func batch(ctx context.Context) error {
	url := create(ctx, "go-batch", nil)
	var entries []types.SendMessageBatchRequestEntry
	for n := range 9 {
		entries = append(entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(fmt.Sprint(n)), MessageBody: aws.String(fmt.Sprint(n))})
	}
	entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String("bad"), MessageBody: aws.String("\x01")})
	sent, err := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	if err != nil {
		return err
	}
	if len(sent.Failed) != 1 || *sent.Failed[0].Code != "InvalidMessageContents" || !sent.Failed[0].SenderFault {
		return fmt.Errorf("failed: %v", sent.Failed)
	}
	messages, err := receive(ctx, url, 10, 20)
	if err != nil {
		return err
	}
	var deletes []types.DeleteMessageBatchRequestEntry
	for n, message := range messages {
		deletes = append(deletes, types.DeleteMessageBatchRequestEntry{
			Id: aws.String(fmt.Sprint(n)), ReceiptHandle: message.ReceiptHandle})
	}
	deleted, err := client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: deletes})
	if err != nil {
		return err
	}
	return errors.Join(check(9, len(sent.Successful), "sent"), check(9, len(deleted.Successful), "deleted"))
}

func longPoll(ctx context.Context) error {
	url := create(ctx, "go-poll", nil)
	polled := make(chan error, 1)
	go func() {
		messages, err := receive(ctx, url, 1, 20)
		polled <- errors.Join(err, check(1, len(messages), "received"))
	}()
	if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("a")}); err != nil {
		return err
	}
	select {
	case err := <-polled:
		return err
	case <-time.After(15 * time.Second): // less than the poll's own time
		return errors.New("the long poll did not wake")
	}
}

func redrive(ctx context.Context) error {
	dead := create(ctx, "go-dead", nil)
	arn, err := arnOf(ctx, dead)
	if err != nil {
		return err
	}
	url := create(ctx, "go-source", map[string]string{
		"VisibilityTimeout": "0", "RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":1}`, arn)})
	if _, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("a")}); err != nil {
		return err
	}
	first, err := receive(ctx, url, 1, 20)
	if err != nil {
		return err
	}
	second, err := receive(ctx, url, 1, 0)
	if err != nil {
		return err
	}
	if _, err = client.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{SourceArn: &arn}); err != nil {
		return err
	}
	third, err := receive(ctx, url, 1, 20)
	if err != nil {
		return err
	}
	tasks, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &arn})
	if err != nil {
		return err
	}
	return errors.Join(check(1, len(first), "received"), check(0, len(second), "left after the move"),
		check(1, len(third), "moved back"), check(1, len(tasks.Results), "tasks"))
}

func fifo(ctx context.Context) error {
	url := create(ctx, "go.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
	for _, body := range []string{"1", "2", "2", "3"} {
		if _, err := client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: &body, MessageGroupId: aws.String("g")}); err != nil {
			return err
		}
	}
	messages, err := receive(ctx, url, 10, 20)
	if err != nil {
		return err
	}
	var bodies []string
	for _, message := range messages {
		bodies = append(bodies, *message.Body)
	}
	behind, err := receive(ctx, url, 10, 0)
	return errors.Join(err, check([]string{"1", "2", "3"}, bodies, "received"), check(0, len(behind), "received at once again"))
}

// Is it of the SDK's type for it, with this code and HTTP status?
func refused[T error](code string, status int, err error) error {
	var typed T
	var api smithy.APIError
	var answer *awshttp.ResponseError
	if !errors.As(err, &typed) {
		return fmt.Errorf("%v is no %T", err, typed)
	}
	if !errors.As(err, &api) || !errors.As(err, &answer) {
		return fmt.Errorf("%v is no answer of the service", err)
	}
	return errors.Join(check(code, api.ErrorCode(), "code"), check(status, answer.HTTPStatusCode(), "status"))
}

func errorCodes(ctx context.Context) error {
	url := create(ctx, "go-errors", nil)
	_, none := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	_, handle := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: aws.String("garbage")})
	_, empty := client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{
		QueueUrl: &url, Entries: []types.SendMessageBatchRequestEntry{}})
	_, value := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
	_, contents := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("\x01")})
	_, _ = client.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url})
	_, purge := client.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: &url})
	_, task := client.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:none")})
	return errors.Join(
		refused[*types.QueueDoesNotExist]("AWS.SimpleQueueService.NonExistentQueue", 400, none),
		refused[*types.ReceiptHandleIsInvalid]("ReceiptHandleIsInvalid", 400, handle),
		refused[*types.EmptyBatchRequest]("AWS.SimpleQueueService.EmptyBatchRequest", 400, empty),
		refused[smithy.APIError]("InvalidParameterValue", 400, value),
		refused[*types.InvalidMessageContents]("InvalidMessageContents", 400, contents),
		refused[*types.PurgeQueueInProgress]("AWS.SimpleQueueService.PurgeQueueInProgress", 403, purge),
		refused[*types.ResourceNotFoundException]("ResourceNotFoundException", 404, task))
}

func main() {
	settings, err := config.LoadDefaultConfig(context.Background(), config.WithRetryMaxAttempts(1))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	client = sqs.NewFromConfig(settings)
	test("send, receive, extend and delete a message with attributes (Go)", sendReceive)
	test("send and delete in batches (Go)", batch)
	test("wake a long poll (Go)", longPoll)
	test("move messages to a dead-letter queue and back (Go)", redrive)
	test("keep order and drop duplicates in a FIFO queue (Go)", fifo)
	test("have the codes, types and statuses of errors (Go)", errorCodes)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
