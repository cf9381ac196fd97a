//! The AWS SDK for Rust against $AWS_ENDPOINT_URL_SQS: what a consumer does, and what errors look like.

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use aws_sdk_sqs::Client;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

type Outcome = Result<(), String>;

fn check<T: PartialEq + Debug>(wanted: T, got: T, what: &str) -> Outcome {
    if wanted == got {
        Ok(())
    } else {
        Err(format!("{what}: {got:?}, not {wanted:?}"))
    }
}

/// The code that the SDK shows and the HTTP status, or why there is none.
fn refusal<T: Debug, E: ProvideErrorMetadata + Debug>(
    result: Result<T, SdkError<E, aws_sdk_sqs::config::http::HttpResponse>>,
) -> (String, u16) {
    match result {
        Err(SdkError::ServiceError(error)) => (
            error.err().meta().code().unwrap_or("no code").to_string(),
            error.raw().status().as_u16(),
        ),
        other => (format!("{other:?}"), 0),
    }
}

fn text<E: Debug>(error: E) -> String {
    format!("{error:?}")
}

async fn create(client: &Client, name: &str, attributes: &[(&str, &str)]) -> Result<String, String> {
    let mut request = client.create_queue().queue_name(name);
    for (attribute, value) in attributes {
        request = request.attributes(QueueAttributeName::from(*attribute), *value);
    }
    Ok(request.send().await.map_err(text)?.queue_url.unwrap_or_default())
}

async fn receive(client: &Client, url: &str, maximum: i32, wait: i32) -> Result<Vec<Message>, String> {
    let received: ReceiveMessageOutput = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(maximum)
        .wait_time_seconds(wait)
        .message_attribute_names("All")
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .send()
        .await
        .map_err(text)?;
    Ok(received.messages.unwrap_or_default())
}

async fn send(client: &Client, url: &str, body: &str, group: Option<&str>) -> Outcome {
    let request = client.send_message().queue_url(url).message_body(body);
    request.set_message_group_id(group.map(str::to_string)).send().await.map_err(text)?;
    Ok(())
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(|message| message.body()).collect()
}

async fn send_receive(client: &Client) -> Outcome {
    let url = create(client, "rust", &[]).await?;
    let attribute = |data_type: &str| MessageAttributeValue::builder().data_type(data_type);
    client
        .send_message()
        .queue_url(&url)
        .message_body("a\r\nb")
        .message_attributes("text", attribute("String").string_value("Grüße 𝄞").build().map_err(text)?)
        .message_attributes("bytes", attribute("Binary").binary_value(Blob::new([0, 1, 255])).build().map_err(text)?)
        .send()
        .await
        .map_err(text)?;
    let messages = receive(client, &url, 10, 20).await?;
    check(vec!["a\r\nb"], bodies(&messages), "received")?;
    let attributes = messages[0].message_attributes().ok_or("no attributes")?;
    check(Some("Grüße 𝄞"), attributes["text"].string_value(), "text")?;
    check(Some(&Blob::new([0, 1, 255])), attributes["bytes"].binary_value(), "bytes")?;
    let handle = messages[0].receipt_handle().unwrap_or_default();
    let extend = client.change_message_visibility().queue_url(&url).receipt_handle(handle);
    extend.visibility_timeout(60).send().await.map_err(text)?;
    client.delete_message().queue_url(&url).receipt_handle(handle).send().await.map_err(text)?;
    Ok(())
}

async fn batch(client: &Client) -> Outcome {
    let url = create(client, "rust-batch", &[]).await?;
    let mut request = client.send_message_batch().queue_url(&url);
    for (id, body) in [("a", "1"), ("b", "2"), ("bad", "\u{1}")] {
        request = request
            .entries(SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().map_err(text)?);
    }
    let sent = request.send().await.map_err(text)?;
    check(2, sent.successful().len(), "sent")?;
    check(vec!["InvalidMessageContents"], sent.failed().iter().map(|each| each.code()).collect(), "failed")?;
    let mut request = client.delete_message_batch().queue_url(&url);
    for (n, message) in receive(client, &url, 10, 20).await?.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
        request = request.entries(
            entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build().map_err(text)?,
        );
    }
    check(2, request.send().await.map_err(text)?.successful().len(), "deleted")
}

async fn long_poll(client: &Client) -> Outcome {
    let url = create(client, "rust-poll", &[]).await?;
    // Less than the poll's own time.
    let poll = tokio::time::timeout(Duration::from_secs(15), receive(client, &url, 1, 20));
    let (polled, sent) = tokio::join!(poll, send(client, &url, "a", None));
    sent?;
    check(vec!["a"], bodies(&polled.map_err(|_| "the long poll did not wake")??), "received")
}

async fn redrive(client: &Client) -> Outcome {
    let dead = create(client, "rust-dead", &[]).await?;
    let asked = client.get_queue_attributes().queue_url(&dead).attribute_names(QueueAttributeName::QueueArn);
    let attributes = asked.send().await.map_err(text)?.attributes.unwrap_or_default();
    let arn = &attributes[&QueueAttributeName::QueueArn];
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
    let url = create(client, "rust-source", &[("VisibilityTimeout", "0"), ("RedrivePolicy", &policy)]).await?;
    send(client, &url, "a", None).await?;
    check(1, receive(client, &url, 1, 20).await?.len(), "received")?;
    check(0, receive(client, &url, 1, 0).await?.len(), "left after the move")?;
    client.start_message_move_task().source_arn(arn).send().await.map_err(text)?;
    check(1, receive(client, &url, 1, 20).await?.len(), "moved back")?;
    let tasks = client.list_message_move_tasks().source_arn(arn).send().await.map_err(text)?;
    check(1, tasks.results().len(), "tasks")
}

async fn fifo(client: &Client) -> Outcome {
    let attributes = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
    let url = create(client, "rust.fifo", &attributes).await?;
    for body in ["1", "2", "2", "3"] {
        send(client, &url, body, Some("g")).await?;
    }
    check(vec!["1", "2", "3"], bodies(&receive(client, &url, 10, 20).await?), "received")?;
    check(0, receive(client, &url, 10, 0).await?.len(), "received at once again")
}

async fn error_codes(client: &Client) -> Outcome {
    let url = create(client, "rust-errors", &[]).await?;
    let none = client.get_queue_url().queue_name("none").send().await;
    let is_typed = matches!(&none, Err(SdkError::ServiceError(error)) if error.err().is_queue_does_not_exist());
    check(true, is_typed, "is it QueueDoesNotExist")?;
    let is = |code: &str, status: u16, got| check((code.to_string(), status), got, "refusal");
    is("AWS.SimpleQueueService.NonExistentQueue", 400, refusal(none))?;
    let deleted = client.delete_message().queue_url(&url).receipt_handle("garbage").send().await;
    is("ReceiptHandleIsInvalid", 400, refusal(deleted))?;
    let received = client.receive_message().queue_url(&url).max_number_of_messages(11).send().await;
    is("InvalidParameterValue", 400, refusal(received))?;
    let sent = client.send_message().queue_url(&url).message_body("\u{1}").send().await;
    is("InvalidMessageContents", 400, refusal(sent))?;
    client.purge_queue().queue_url(&url).send().await.map_err(text)?;
    let purged = client.purge_queue().queue_url(&url).send().await;
    is("AWS.SimpleQueueService.PurgeQueueInProgress", 403, refusal(purged))?;
    let arn = "arn:aws:sqs:us-east-1:000000000000:none";
    let started = client.start_message_move_task().source_arn(arn).send().await;
    is("ResourceNotFoundException", 404, refusal(started))
}

#[derive(Default)]
struct Tally {
    passed: u32,
    failed: u32,
}

impl Tally {
    async fn test(&mut self, sentence: &str, body: impl Future<Output = Outcome>) {
        let limited = tokio::time::timeout(Duration::from_secs(60), body).await;
        match limited.unwrap_or_else(|_| Err("not done after 60 s".into())) {
            Ok(()) => {
                self.passed += 1;
                println!("ok: should {sentence} (Rust)");
            }
            Err(fault) => {
                self.failed += 1;
                println!("not ok: should {sentence} (Rust): {fault}");
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let settings = aws_config::from_env().http_client(http).retry_config(RetryConfig::disabled()).load().await;
    let client = Client::new(&settings);
    let mut tally = Tally::default();
    tally.test("send, receive, extend and delete a message with attributes", send_receive(&client)).await;
    tally.test("send and delete in batches", batch(&client)).await;
    tally.test("wake a long poll", long_poll(&client)).await;
    tally.test("move messages to a dead-letter queue and back", redrive(&client)).await;
    tally.test("keep order and drop duplicates in a FIFO queue", fifo(&client)).await;
    tally.test("have the codes and statuses of errors", error_codes(&client)).await;
    println!("{} passed, {} failed", tally.passed, tally.failed);
    std::process::exit(i32::from(tally.failed > 0));
}
