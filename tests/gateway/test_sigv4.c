/* Signatures, against those that others made: AWS's published test suite of SigV4 (its secret, its date, service
 * "service"), and requests for SQS signed by botocore 1.29.27 through boto3 with its clock set to
 * 2026-03-01T12:00:00Z: before-send's text of calls, generate_presigned_url(), and for AWS JSON, odd paths and Date
 * SigV4Auth.canonical_request() and signature() of an AWSRequest. */
#include "gateway/sigv4.h"
#include "tests/gateway/keys_file.h"
#include "tests/gateway/raw_request.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <time.h>

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SCOPE "AKIDEXAMPLE/20260301/eu-west-1/sqs/aws4_request"
#define PROFILE "[suite]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = " SECRET "\n"

enum { SUITE_S = 1440938160 /* 20150830T123600Z */, NOW_S = 1772366400 /* 20260301T120000Z */ };

static struct credentials *credentials;
static struct raw_request raw;
static struct caller caller;
static struct failure failure;

static void open_with(const char *text)
{
	char fault[CREDENTIALS_TEXT_BYTES];

	keys_begin();
	keys_write(text, 0600);
	credentials = credentials_open(keys_path, "111122223333", fault);
	cr_assert_neq(credentials, NULL, "%s", fault);
}

static void set_up(void)
{
	open_with(PROFILE);
}

static void tear_down(void)
{
	credentials_close(credentials);
	keys_end();
}

static bool check_at(const char *text, int64_t now_s)
{
	memset(&caller, 0, sizeof(caller));
	memset(&failure, 0, sizeof(failure));
	raw_request_read(&raw, text, strlen(text), now_s);
	return signature_check(credentials, &raw.request, &caller, &failure);
}

static void expect_refused(const char *text, enum failure_code code, const char *message)
{
	cr_expect_not(check_at(text, NOW_S), "%s", text);
	cr_expect_eq(failure.code, code, "%d for %s", failure.code, text);
	cr_expect_neq(strstr(failure.message, message), NULL, "\"%s\" is not in \"%s\"", message, failure.message);
	cr_expect_str_eq(caller.account, "");
}

TestSuite(sigv4, .init = set_up, .fini = tear_down);

/* ---- AWS's suite ------------------------------------------------------------------------------- */

struct vector {
	const char *name, *first_line, *headers, *signed_headers, *body, *signature;
};

#define VANILLA "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
#define POST_VANILLA "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN                                                                                                      \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflf" \
	"KD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd" \
	"8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i" \
	"SIlTJabIQwj2ICCR/oLxBA=="

static const struct vector suite[] = {
	{"get-vanilla", "GET /", "", "host;x-amz-date", "", VANILLA},
	{"get-relative", "GET /example/..", "", "host;x-amz-date", "", VANILLA},
	{"get-relative-relative", "GET /example1/example2/../..", "", "host;x-amz-date", "", VANILLA},
	{"get-slash", "GET //", "", "host;x-amz-date", "", VANILLA},
	{"get-slash-dot-slash", "GET /./", "", "host;x-amz-date", "", VANILLA},
	{"get-slashes", "GET //example//", "", "host;x-amz-date", "",
	 "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
	{"get-slash-pointless-dot", "GET /./example", "", "host;x-amz-date", "",
	 "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
	{"get-space", "GET /example space/", "", "host;x-amz-date", "",
	 "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
	{"get-utf8", "GET /\u1234", "", "host;x-amz-date", "",
	 "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
	{"get-vanilla-query", "GET /?", "", "host;x-amz-date", "", VANILLA},
	{"get-vanilla-empty-query-key", "GET /?Param1=value1", "", "host;x-amz-date", "",
	 "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
	{"get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1", "", "host;x-amz-date", "",
	 "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
	{"get-vanilla-query-order-key", "GET /?Param1=value2&Param1=Value1", "", "host;x-amz-date", "",
	 "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
	{"get-vanilla-query-order-value", "GET /?Param1=value2&Param1=value1", "", "host;x-amz-date", "",
	 "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
	{"get-vanilla-query-unreserved", "GET /?" UNRESERVED "=" UNRESERVED, "", "host;x-amz-date", "",
	 "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
	{"get-vanilla-utf8-query", "GET /?\u1234=bar", "", "host;x-amz-date", "",
	 "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
	{"get-header-key-duplicate", "GET /", "My-Header1:value2\nMy-Header1:value2\nMy-Header1:value1\n",
	 "host;my-header1;x-amz-date", "", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
	{"get-header-value-order", "GET /",
	 "My-Header1:value4\nMy-Header1:value1\nMy-Header1:value3\nMy-Header1:value2\n",
	 "host;my-header1;x-amz-date", "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
	{"get-header-value-trim", "GET /", "My-Header1: value1\nMy-Header2: \"a   b   c\"  \n",
	 "host;my-header1;my-header2;x-amz-date", "",
	 "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
	{"post-vanilla", "POST /", "", "host;x-amz-date", "", POST_VANILLA},
	{"post-header-key-sort", "POST /", "My-Header1:value1\n", "host;my-header1;x-amz-date", "",
	 "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
	{"post-header-value-case", "POST /", "My-Header1:VALUE1\n", "host;my-header1;x-amz-date", "",
	 "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
	{"post-vanilla-query", "POST /?Param1=value1", "", "host;x-amz-date", "",
	 "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
	{"post-x-www-form-urlencoded", "POST /", "Content-Type:application/x-www-form-urlencoded\n",
	 "content-type;host;x-amz-date", "Param1=value1",
	 "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	{"post-x-www-form-urlencoded-parameters", "POST /",
	 "Content-Type:application/x-www-form-urlencoded; charset=utf8\n", "content-type;host;x-amz-date",
	 "Param1=value1", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
	{"post-sts-header-before", "POST /", "X-Amz-Security-Token:" TOKEN "\n",
	 "host;x-amz-date;x-amz-security-token", "",
	 "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
	{"post-sts-header-after", "POST /", "X-Amz-Security-Token:" TOKEN "\n", "host;x-amz-date", "",
	 POST_VANILLA},
};

static bool check_vector(const struct vector *vector, const char *signature)
{
	char text[4096];

	memset(&failure, 0, sizeof(failure));
	snprintf(text, sizeof(text),
		 "%s HTTP/1.1\nHost:example.amazonaws.com\n%sX-Amz-Date:20150830T123600Z\nAuthorization: "
		 "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
		 "SignedHeaders=%s, Signature=%s\n\n%s",
		 vector->first_line, vector->headers, vector->signed_headers, signature, vector->body);
	raw_request_read(&raw, text, strlen(text), SUITE_S);
	return sigv4_check(credentials, "service", &raw.request, &caller, &failure);
}

Test(sigv4, the_signatures_of_the_published_suite_are_found)
{
	for (size_t i = 0; i < sizeof(suite) / sizeof(suite[0]); i++) {
		char wrong[65];

		cr_expect(check_vector(&suite[i], suite[i].signature), "%s: %s", suite[i].name, failure.message);
		strcpy(wrong, suite[i].signature);
		wrong[63] = wrong[63] == '0' ? '1' : '0';
		cr_expect_not(check_vector(&suite[i], wrong), "%s", suite[i].name);
	}
}

/* ---- botocore's -------------------------------------------------------------------------------- */

#define SIGNED(headers, signature)                                                                                 \
	"Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" headers ", Signature=" signature "\n"
#define DATE "X-Amz-Date: 20260301T120000Z\n"
#define LOCAL "host: localhost:9324\n"
#define FORM "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
#define AGENT "User-Agent: Boto3/1.26.27 Python/3.11.2 Botocore/1.29.27\n"
#define SHORT_TOKEN "FwoGZXIvYXdzEXAMPLE//token=="

#define SEND_BODY                                                                                                  \
	"Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F123456789012%2Fmy-queue&"  \
	"MessageBody=hello+%26+good++day+%2B1+~%C3%BC"
#define SEND_HEADERS                                                                                               \
	FORM AGENT LOCAL DATE SIGNED("content-type;host;x-amz-date",                                               \
				     "2da899d284f256ea343d675c14533fabb5b38a8be3afe2f0a273dede5d84779"             \
				     "6") "amz-sdk-request: attempt=1\n\n"
#define SEND "POST / HTTP/1.1\n" SEND_HEADERS SEND_BODY

#define RECEIVE_FRONT                                                                                              \
	"/?Action=ReceiveMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F123456789012%2F"      \
	"my-queue&MaxNumberOfMessages=10&AttributeName.1=All&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="   \
	"AKIDEXAMPLE%2F20260301%2Feu-west-1%2Fsqs%2Faws4_request&X-Amz-Date=20260301T120000Z&"                     \
	"X-Amz-SignedHeaders=host"
#define RECEIVE                                                                                                    \
	"GET " RECEIVE_FRONT                                                                                       \
	"&X-Amz-Expires=60&X-Amz-Signature=8666b3a7c17f639931015cd93f33f3c8027d1755d14f617140a25f828b10b25d "      \
	"HTTP/1.1\n" LOCAL "\n"

#define SENT(body)                                                                                                 \
	"POST /?Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%3A9324%2F123456789012%2F"    \
	"my-queue&MessageBody=" body                                                                               \
	"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260301%2F"                             \
	"eu-west-1%2Fsqs%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600&"  \
	"X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2F%2Ftoken%3D%3D&X-Amz-Signature="                               \
	"f0abbaa0a7cb461f8eb0a5e9fc8aeca877abf83451445e6b4f1018e55f8f630e HTTP/1.1\n" LOCAL "\n"

#define TARGET "X-Amz-Target: AmazonSQS.SendMessage\n"
#define JSON_BODY "{\"QueueUrl\":\"http://localhost:9324/123456789012/my-queue\",\"MessageBody\":\"hi\"}"
#define JSON_WITH(target, signed_headers)                                                                          \
	"POST /123456789012/my-queue HTTP/1.1\nContent-Type: application/x-amz-json-1.0\n" target LOCAL DATE       \
	SIGNED(signed_headers, "8e79c2019b5156ed58a172abdb04fe19bcc93c91f6def4f15e326858691d0b49") "\n" JSON_BODY

Test(sigv4, a_call_of_boto3_is_of_its_caller)
{
	cr_expect(check_at(SEND, NOW_S), "%s", failure.message);
	cr_expect_str_eq(caller.account, "111122223333");
	cr_expect_str_eq(caller.key_id, "AKIDEXAMPLE");
	cr_expect_str_eq(caller.user, "suite");
}

Test(sigv4, calls_with_a_session_token_json_and_odd_paths_are_signed_as_botocore_does)
{
	cr_expect(check_at("POST / HTTP/1.1\n" FORM LOCAL "X-Amz-Security-Token: " SHORT_TOKEN
			   "\n" DATE SIGNED("content-type;host;x-amz-date;x-amz-security-token",
					    "8c2ffd287b7641d7e158da769b474e568ec45eefa066b2f9a6625a49e74b107"
					    "3") "\nAction="
						 "ListQueues&Version=2012-11-05&QueueNamePrefix=a+b",
			   NOW_S),
		  "%s", failure.message);
	cr_expect(check_at(JSON_WITH(TARGET, "content-type;host;x-amz-date;x-amz-target"), NOW_S), "%s",
		  failure.message);
	cr_expect(check_at("GET /a%20b//c/./d/../e%2Ff*/?Z=1&b=%C3%BC&a=2&a-b=3&a=1 HTTP/1.1\n" LOCAL DATE SIGNED(
				   "host;x-amz-date",
				   "488e38d1826913f6cf58fe9691955feb890ff4f7df46adc374404c6ada130c8f") "\n",
			   NOW_S),
		  "%s", failure.message);
	cr_expect(check_at("POST / HTTP/1.1\n" LOCAL "Date: Sun, 01 Mar 2026 12:00:00 GMT\n" SIGNED(
				   "date;host",
				   "a44ebacf39724f148ac003603920632099c9c467372b57a837669f6cd46094f8") "\n"
												       "Action="
												       "ListQueues",
			   NOW_S),
		  "%s", failure.message);
}

Test(sigv4, presigned_urls_are_good_until_they_expire)
{
	cr_expect(check_at(RECEIVE, NOW_S), "%s", failure.message);
	cr_expect_str_eq(caller.key_id, "AKIDEXAMPLE");
	cr_expect(check_at(RECEIVE, NOW_S + 60), "%s", failure.message);
	cr_expect_not(check_at(RECEIVE, NOW_S + 61));
	cr_expect_eq(failure.code, REQUEST_EXPIRED);
	cr_expect_str_eq(failure.message,
			 "Signature expired: 20260301T120000Z is now earlier than 20260301T120001Z "
			 "(20260301T120101Z - 60 s.)");
	cr_expect(check_at(SENT("a%20b%2Bc%2Fd~e%2Af"), NOW_S + 3600), "%s", failure.message);
}

Test(sigv4, a_parameter_is_the_same_however_it_is_encoded)
{
	cr_expect(check_at(SENT("a+b%2bc/d%7ee*f"), NOW_S), "%s", failure.message);
	cr_expect_not(check_at(SENT("a+b+c/d~e*f"), NOW_S));
}

/* ---- what is refused --------------------------------------------------------------------------- */

#define MISMATCH "The request signature we calculated does not match the signature you provided."

Test(sigv4, whatever_is_changed_on_the_way_is_noticed)
{
	expect_refused("POST / HTTP/1.1\n" SEND_HEADERS SEND_BODY "x", SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("POST / HTTP/1.1\n" SEND_HEADERS, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("PUT / HTTP/1.1\n" SEND_HEADERS SEND_BODY, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("POST /a HTTP/1.1\n" SEND_HEADERS SEND_BODY, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("POST /%00 HTTP/1.1\n" SEND_HEADERS SEND_BODY, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("POST /?a=b HTTP/1.1\n" SEND_HEADERS SEND_BODY, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("POST /?%00 HTTP/1.1\n" SEND_HEADERS SEND_BODY, SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("GET " RECEIVE_FRONT "&X-Amz-Expires=61&X-Amz-Signature="
		       "8666b3a7c17f639931015cd93f33f3c8027d1755d14f617140a25f828b10b25d HTTP/1.1\n" LOCAL "\n",
		       SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	expect_refused("GET " RECEIVE_FRONT "&X-Amz-Expires=60&X-Amz-Signature="
		       "8666b3a7c17f639931015cd93f33f3c8027d1755d14f617140a25f828b10b25d HTTP/1.1\nHost: b\n\n",
		       SIGNATURE_DOES_NOT_MATCH, MISMATCH);
	/* A zero in a parameter is part of it. */
	expect_refused("GET " RECEIVE_FRONT "%00&X-Amz-Expires=60&X-Amz-Signature="
		       "8666b3a7c17f639931015cd93f33f3c8027d1755d14f617140a25f828b10b25d HTTP/1.1\n" LOCAL "\n",
		       SIGNATURE_DOES_NOT_MATCH, MISMATCH);
}

Test(sigv4, a_mismatch_shows_what_should_have_been_signed)
{
	expect_refused(
		"POST /a%20b?c=\xff HTTP/1.1\nMy: \xff\x01\n" LOCAL DATE SIGNED("host;my;x-amz-date", "00") "\n",
		SIGNATURE_DOES_NOT_MATCH,
		"\n\nThe Canonical String for this request should have been\n'POST\n/a%2520b\nc=%FF\n"
		"host:localhost:9324\nmy:??\nx-amz-date:20260301T120000Z\n\nhost;my;x-amz-date\n"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'\n\nThe String-to-Sign should "
		"have been\n'AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/eu-west-1/sqs/aws4_request\n");
}

Test(sigv4, clocks_may_differ_by_15_minutes)
{
	cr_expect(check_at(SEND, NOW_S + 900));
	cr_expect(check_at(SEND, NOW_S - 900));
	cr_expect_not(check_at(SEND, NOW_S + 901));
	cr_expect_eq(failure.code, REQUEST_EXPIRED);
	cr_expect_str_eq(failure.message,
			 "Signature expired: 20260301T120000Z is now earlier than 20260301T120001Z "
			 "(20260301T121501Z - 15 min.)");
	cr_expect_not(check_at(SEND, NOW_S - 901));
	cr_expect_eq(failure.code, REQUEST_EXPIRED);
	cr_expect_str_eq(failure.message, "Signature not yet current: 20260301T120000Z is still later than "
					  "20260301T115959Z (20260301T114459Z + 15 min.)");
	cr_expect_not(check_at(RECEIVE, NOW_S - 901));
	cr_expect_eq(failure.code, REQUEST_EXPIRED);
}

#define WITH(authorization) "POST / HTTP/1.1\n" LOCAL DATE "Authorization: " authorization "\n\n"
#define REST ", SignedHeaders=host;x-amz-date, Signature=00"

Test(sigv4, an_authorization_that_is_not_whole_is_named)
{
	expect_refused(WITH("Bearer 1234"), INCOMPLETE_SIGNATURE, "Unsupported AWS 'algorithm'");
	expect_refused(WITH("AWS4-HMAC-SHA256"), INCOMPLETE_SIGNATURE, "Unsupported AWS 'algorithm'");
	expect_refused(WITH("AWS4-HMAC-SHA256 x"), INCOMPLETE_SIGNATURE, "requires 'Credential' parameter.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=" SCOPE ",Signature=0"), INCOMPLETE_SIGNATURE,
		       "requires 'SignedHeaders' parameter.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=" SCOPE ",SignedHeaders=host"), INCOMPLETE_SIGNATURE,
		       "requires 'Signature' parameter.");
	expect_refused("POST / HTTP/1.1\n" LOCAL SIGNED("host", "00") "\n", INCOMPLETE_SIGNATURE,
		       "requires existence of either a 'X-Amz-Date' or a 'Date' header.");
	expect_refused("POST / HTTP/1.1\n" LOCAL "X-Amz-Date: 20260230T120000Z\n" SIGNED("host", "00") "\n",
		       INCOMPLETE_SIGNATURE, "'basic format'. Got '20260230T120000Z'.");
	expect_refused("POST / HTTP/1.1\n" LOCAL "X-Amz-Date: 2026-03-01T12:00:00Z\n" SIGNED("host", "00") "\n",
		       INCOMPLETE_SIGNATURE, "'basic format'.");
	expect_refused("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256 HTTP/1.1\n" LOCAL "\n", INCOMPLETE_SIGNATURE,
		       "must include 'X-Amz-Credential'.");
	expect_refused("GET /?X-Amz-Signature=00 HTTP/1.1\n" LOCAL "\n", INCOMPLETE_SIGNATURE,
		       "must include 'X-Amz-Algorithm=AWS4-HMAC-SHA256'.");
	expect_refused("GET " RECEIVE_FRONT "&X-Amz-Signature=0&X-Amz-Expires=604801 HTTP/1.1\n" LOCAL "\n",
		       INCOMPLETE_SIGNATURE, "from 1 to 604800, not '604801'");
	expect_refused("GET " RECEIVE_FRONT "&X-Amz-Signature=0&X-Amz-Expires=0 HTTP/1.1\n" LOCAL "\n",
		       INCOMPLETE_SIGNATURE, "from 1 to 604800");
}

Test(sigv4, a_scope_that_is_not_ours_is_named)
{
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/sqs" REST),
		       INCOMPLETE_SIGNATURE, "exactly 5 slash-delimited elements");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=" SCOPE "/x" REST), INCOMPLETE_SIGNATURE,
		       "exactly 5 slash-delimited elements");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu west/sqs/aws4_request" REST),
		       INCOMPLETE_SIGNATURE, "exactly 5 slash-delimited elements");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/EU/sqs/aws4_request" REST),
		       SIGNATURE_DOES_NOT_MATCH, "valid region, not 'EU'.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/sns/aws4_request" REST),
		       SIGNATURE_DOES_NOT_MATCH, "correct service: 'sqs'.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/sqs/aws3_request" REST),
		       SIGNATURE_DOES_NOT_MATCH, "valid terminator: 'aws4_request', not 'aws3_request'.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260302/eu-west-1/sqs/aws4_request" REST),
		       SIGNATURE_DOES_NOT_MATCH, "'20260302' != '20260301', from '20260301T120000Z'.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=NOBODY/20260301/eu-west-1/sqs/aws4_request" REST),
		       INVALID_CLIENT_TOKEN, "The security token included in the request is invalid.");
	expect_refused(WITH("AWS4-HMAC-SHA256 Credential=/20260301/eu-west-1/sqs/aws4_request" REST),
		       INVALID_CLIENT_TOKEN, "The security token");
}

Test(sigv4, host_and_target_must_be_signed)
{
	expect_refused("POST / HTTP/1.1\n" LOCAL DATE SIGNED("x-amz-date", "00") "\n", SIGNATURE_DOES_NOT_MATCH,
		       "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
	expect_refused("POST / HTTP/1.1\n" LOCAL DATE SIGNED("Host;x-amz-date", "00") "\n",
		       SIGNATURE_DOES_NOT_MATCH, "'Host' or");
	expect_refused("POST / HTTP/1.1\n" LOCAL DATE SIGNED("hosts;x-host;x-amz-date", "00") "\n",
		       SIGNATURE_DOES_NOT_MATCH, "'Host' or");
	expect_refused(JSON_WITH(TARGET, "content-type;host;x-amz-date"), SIGNATURE_DOES_NOT_MATCH,
		       "'X-Amz-Target' must be");
	expect_refused(JSON_WITH("X-Amz-Target: AmazonSQS.DeleteQueue\n",
				 "content-type;host;x-amz-date;x-amz-target"),
		       SIGNATURE_DOES_NOT_MATCH, MISMATCH);
}

Test(sigv4, who_signs_nothing_is_anonymous)
{
	cr_expect(check_at("POST / HTTP/1.1\n" LOCAL "\nAction=ListQueues", NOW_S));
	cr_expect_str_eq(caller.account, "");
	cr_expect_str_eq(caller.key_id, "");
}

Test(sigv4, the_region_is_of_the_scope_signed_well_or_not)
{
	char region[REGION_TEXT_BYTES] = "untouched";

	raw_request_read(&raw, RECEIVE, strlen(RECEIVE), 0);
	cr_expect(signature_region(&raw.request, region));
	cr_expect_str_eq(region, "eu-west-1");
	raw_request_read(&raw, WITH("AWS4-HMAC-SHA256 Credential=a/b/us-gov-1/c/d"),
			 strlen(WITH("AWS4-HMAC-SHA256 Credential=a/b/us-gov-1/c/d")), 0);
	cr_expect(signature_region(&raw.request, region));
	cr_expect_str_eq(region, "us-gov-1");
	for (size_t i = 0; i < 4; i++) {
		static const char *const none[] = {
			"POST / HTTP/1.1\n\n",
			WITH("AWS4-HMAC-SHA256 Credential=a/b/../c/d"),
			WITH("AWS4-HMAC-SHA256 Credential=a/b/region-of-more-than-31-characters/c/d"),
			WITH("Basic Credential=a/b/us-east-1/c/d"),
		};

		raw_request_read(&raw, none[i], strlen(none[i]), 0);
		cr_expect_not(signature_region(&raw.request, region), "%s", none[i]);
	}
	cr_expect_str_eq(region, "us-gov-1");
}

/* ---- tokens ------------------------------------------------------------------------------------ */

Test(session, temporary_keys_go_with_their_token)
{
	open_with(PROFILE "aws_session_token = " SHORT_TOKEN "\n");
	expect_refused(SEND, INVALID_CLIENT_TOKEN, "The security token included in the request is invalid.");
	expect_refused("POST / HTTP/1.1\n" FORM LOCAL
		       "X-Amz-Security-Token: another\n" DATE SIGNED("host", "00") "\n",
		       INVALID_CLIENT_TOKEN, "The security token");
	cr_expect(check_at("POST / HTTP/1.1\nX-Amz-Security-Token: " SHORT_TOKEN "\n" SEND_HEADERS SEND_BODY,
			   NOW_S),
		  "%s", failure.message);
	tear_down();
}
