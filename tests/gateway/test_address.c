/* Names of queues in URLs, paths and ARNs. */
#include "gateway/address.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(address, .timeout = 60);

#define cr_expect_name(function, text, wanted)                                                                     \
	do {                                                                                                       \
		char name_[NAME_TEXT_BYTES] = "";                                                                  \
		cr_expect(function(text, name_), "%s", text);                                                      \
		cr_expect_str_eq(name_, wanted, "%s: %s", text, name_);                                            \
	} while (0)

#define cr_expect_no_name(function, text)                                                                          \
	do {                                                                                                       \
		char name_[NAME_TEXT_BYTES] = "left";                                                              \
		cr_expect_not(function(text, name_), "%s: %s", text, name_);                                       \
		cr_expect_str_eq(name_, "left");                                                                   \
	} while (0)

Test(address, account_and_name_are_the_last_two_parts_of_a_url)
{
	cr_expect_name(address_from_url, "http://localhost:9324/000000000000/q", "q");
	cr_expect_name(address_from_url, "https://sqs.eu-west-1.amazonaws.com/123456789012/q.fifo", "q.fifo");
	cr_expect_name(address_from_url, "http://localhost/queue/eu-west-1/000000000000/q", "q");
	cr_expect_name(address_from_url, "http://eu-west-1.queue.localhost:4566/000000000000/q", "q");
	cr_expect_name(address_from_url, "http://[::1]:9324/1/q", "q");
}

Test(address, an_account_may_have_any_length)
{
	cr_expect_name(address_from_url, "http://localhost/1/q", "q");
	cr_expect_name(address_from_url, "http://localhost/00000000000000000000000000/q", "q");
	cr_expect_name(address_from_url, "http://localhost/queue/q", "q");
}

Test(address, a_bare_name_is_accepted)
{
	cr_expect_name(address_from_url, "q", "q");
	cr_expect_name(address_from_url, "My_Queue-1.fifo", "My_Queue-1.fifo");
	cr_expect_name(address_from_url, "/000000000000/q", "q");
	cr_expect_name(address_from_url, "000000000000/q", "q");
	cr_expect_name(address_from_url, "http", "http");
}

Test(address, slashes_queries_and_fragments_do_not_count)
{
	cr_expect_name(address_from_url, "http://localhost/000000000000/q/", "q");
	cr_expect_name(address_from_url, "http://localhost//000000000000//q//", "q");
	cr_expect_name(address_from_url, "http://localhost/000000000000/q?Action=SendMessage&a=/b", "q");
	cr_expect_name(address_from_url, "http://localhost/000000000000/q#top", "q");
	cr_expect_name(address_from_path, "/000000000000/q/?Action=x", "q");
}

Test(address, percent_encoding_is_decoded)
{
	cr_expect_name(address_from_url, "http://localhost/000000000000/%71%2Dx", "q-x");
	cr_expect_name(address_from_url, "http://localhost/000000000000/q%2efifo", "q.fifo");
	cr_expect_name(address_from_url, "http://localhost/000000000000/%", "%");
	cr_expect_name(address_from_url, "http://localhost/000000000000/a%2", "a%2");
	cr_expect_name(address_from_url, "http://localhost/000000000000/a%zz", "a%zz");
	cr_expect_no_name(address_from_url, "http://localhost/000000000000/a%00b");
}

Test(address, a_host_alone_is_no_queue)
{
	cr_expect_no_name(address_from_url, "http://localhost:9324");
	cr_expect_no_name(address_from_url, "http://localhost:9324/");
	cr_expect_no_name(address_from_url, "http://localhost?QueueName=q");
	cr_expect_no_name(address_from_url, "");
	cr_expect_no_name(address_from_url, "/");
}

Test(address, a_name_longer_than_any_is_none)
{
	char text[200];

	memset(text, 'a', sizeof(text));
	text[RLQ_NAME_MAX] = '\0';
	cr_expect_name(address_from_url, text, text);
	text[RLQ_NAME_MAX] = 'a';
	text[RLQ_NAME_MAX + 1] = '\0';
	cr_expect_no_name(address_from_url, text);
}

Test(address, a_path_needs_an_account_and_a_name)
{
	cr_expect_name(address_from_path, "/000000000000/q", "q");
	cr_expect_name(address_from_path, "/queue/eu-west-1/000000000000/q", "q");
	cr_expect_no_name(address_from_path, "/");
	cr_expect_no_name(address_from_path, "");
	cr_expect_no_name(address_from_path, "/q");
	cr_expect_no_name(address_from_path, "/q/");
	cr_expect_no_name(address_from_path, "/?Action=ListQueues/x");
}

Test(address, an_arn_ends_with_the_name)
{
	cr_expect_name(address_from_arn, "arn:aws:sqs:us-east-1:000000000000:q", "q");
	cr_expect_name(address_from_arn, "arn:aws-cn:sqs:cn-north-1:1:q.fifo", "q.fifo");
}

Test(address, what_is_no_arn_of_a_queue_is_refused)
{
	cr_expect_no_name(address_from_arn, "");
	cr_expect_no_name(address_from_arn, "q");
	cr_expect_no_name(address_from_arn, "arn:aws:sns:us-east-1:000000000000:q");
	cr_expect_no_name(address_from_arn, "arn:aws:sqs:us-east-1:000000000000:");
	cr_expect_no_name(address_from_arn, "arn:aws:sqs:us-east-1:000000000000");
	cr_expect_no_name(address_from_arn, "arn:aws:sqs::000000000000:q");
	cr_expect_no_name(address_from_arn, "arn:aws:sqs:us-east-1:000000000000:q:x");
	cr_expect_no_name(address_from_arn, "urn:aws:sqs:us-east-1:000000000000:q");
}

/* ---- as a caller sees them -------------------------------------------------------------------- */

static struct gateway gateway = {.account = "000000000000"};

Test(address, a_url_has_the_host_that_the_client_used)
{
	struct call call = {.gateway = &gateway, .base_url = "http://queues.example:9324"};
	char url[ADDRESS_TEXT_BYTES];

	address_url(&call, "q.fifo", url);
	cr_expect_str_eq(url, "http://queues.example:9324/000000000000/q.fifo");
}

Test(address, an_arn_has_the_callers_region_and_its_partition)
{
	struct call call = {.gateway = &gateway, .region = "eu-west-1"};
	char arn[ADDRESS_TEXT_BYTES];

	address_arn(&call, "q", arn);
	cr_expect_str_eq(arn, "arn:aws:sqs:eu-west-1:000000000000:q");
	call.region = "cn-north-1";
	address_arn(&call, "q", arn);
	cr_expect_str_eq(arn, "arn:aws-cn:sqs:cn-north-1:000000000000:q");
	call.region = "us-gov-west-1";
	address_arn(&call, "q", arn);
	cr_expect_str_eq(arn, "arn:aws-us-gov:sqs:us-gov-west-1:000000000000:q");
}
