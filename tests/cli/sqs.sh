#!/bin/bash
# ringlease-sqs: options, what it refuses, queues that are declared, where engine and notes come from. (What it answers:
# tests/sdk.)
. "$(dirname "$0")/common.inc"
disk=$(mktemp -d "${TMPDIR:-/var/tmp}/ringlease-data.XXXXXX") || exit 1
trap 'clean_up; rm -rf "$disk"' EXIT
[ -x "$ringlease_sqs" ] || { echo "skipped: no $ringlease_sqs"; exit 77; }

# start OPTION...: on a free port, which is then in $port; its log is $work/log
start() {
	: >"$work/log" # of the one before: it has said that it listens
	"$ringlease_sqs" --listen 127.0.0.1:0 "$@" 2>"$work/log" &
	server=$!
	children="$children $server"
	await 60 file_has "$work/log" 'listening on' || fault "it does not listen: $(cat "$work/log")"
	port=$(sed -nE 's/.*listening on http:.*:([0-9]+)$/\1/p' "$work/log")
}

stop() {
	kill -TERM $server
	wait $server || fault "exit $?, not 0, after SIGTERM"
}

# get PATH: its answer is then in $work/out
get() {
	exec 3<>"/dev/tcp/127.0.0.1/$port" || { fault "cannot connect"; return; }
	printf 'GET %s HTTP/1.0\r\nHost: localhost:%s\r\n\r\n' "$1" "$port" >&3
	cat <&3 >"$work/out"
	exec 3<&-
}

# refuses STATUS TEXT OPTION...: in one line on stderr
refuses() {
	wanted=$1 text=$2
	shift 2
	"$ringlease_sqs" "$@" >"$work/out" 2>"$work/err"
	got=$?
	[ $got -eq "$wanted" ] || fault "ringlease-sqs $*: exit $got, not $wanted"
	[ "$(wc -l <"$work/err")" -eq 1 ] || fault "ringlease-sqs $*: not one line on stderr"
	grep -q '^ringlease-sqs: ' "$work/err" || fault "ringlease-sqs $*: stderr does not begin with its name"
	err_has "$text"
}

it 'say how it is used'
"$ringlease_sqs" --help >"$work/out" 2>"$work/err" || fault 'not exit 0'
out_has '--listen ADDR:PORT'
"$ringlease_sqs" --version >"$work/out" || fault 'not exit 0'
out_has '^ringlease-sqs [0-9]+\.[0-9]+'
for bad in --no-such -x surplus --dir --dir= --acc=1 --listen=x --listen=1.2.3.4:99999 --durability=tape --account=me \
	--region=Moon --threads=0 --connections=1 --request-seconds=0 --tls-cert=a --tls-key=a; do
	refuses 2 . "$bad"
done

it 'refuse to make durable queues without an engine, and say what to do'
refuses 1 '--data DIR' --listen 127.0.0.1:0

it 'refuse what it cannot use'
refuses 1 'cannot listen on 192.0.2.1' --durability memory --listen 192.0.2.1:1
refuses 1 "$work/none" --durability memory --listen 127.0.0.1:0 --credentials "$work/none"
refuses 1 "$work/none" --durability memory --listen 127.0.0.1:0 --queues "$work/none"
refuses 1 "$work/none" --durability memory --listen 127.0.0.1:0 --tls-cert "$work/none" --tls-key "$work/none"
echo nonsense >"$work/bad"
refuses 1 'are no PEM' --durability memory --listen 127.0.0.1:0 --tls-cert "$work/bad" --tls-key "$work/bad"
refuses 1 "$work/bad: line 1" --durability memory --listen 127.0.0.1:0 --queues "$work/bad"
refuses 1 "$work/bad" --durability memory --listen 127.0.0.1:0 --credentials "$work/bad"

it 'serve memory queues without an engine, and say that signatures are not checked'
start --durability memory
grep -q 'signatures are not checked' "$work/log" || fault 'it does not say so'
get /health
out_has '"ok"'
get '/?Action=CreateQueue&QueueName=plain'
out_has '<QueueUrl>http://localhost:'"$port"'/000000000000/plain</QueueUrl>'
expect 0 send plain native --quiet
get '/?Action=ReceiveMessage&QueueUrl=plain'
out_has '<Body>native</Body>'
stop

it 'refuse a port that is in use'
start --durability memory
refuses 1 'in use' --durability memory --listen "127.0.0.1:$port"
stop

it 'make the queues that a file declares, in any order, and set what has changed'
cat >"$work/queues.json" <<'EOF'
[
	{"QueueName": "jobs", "Attributes": {"VisibilityTimeout": "90",
		"RedrivePolicy": "{\"deadLetterTargetArn\": \"arn:aws:sqs:us-east-1:000000000000:failed\", \"maxReceiveCount\": 2}"},
		"tags": {"team": "blue"}},
	{"QueueName": "failed"},
	{"QueueName": "ordered.fifo", "Attributes": {"FifoQueue": "true", "ContentBasedDeduplication": "true"}}
]
EOF
start --durability memory --queues "$work/queues.json"
stat_is jobs VisibilityTimeout 90
stop
sed -i 's/"90"/"45"/' "$work/queues.json"
start --durability memory --queues "$work/queues.json"
stat_is jobs VisibilityTimeout 45
get '/?Action=ListQueueTags&QueueUrl=jobs'
out_has '<Key>team</Key><Value>blue</Value>'
get '/?Action=ListDeadLetterSourceQueues&QueueUrl=failed'
out_has '/jobs</QueueUrl>'
stop

it 'name the queue of a file that cannot be'
echo '[{"QueueName": "good"}, {"QueueName": "bad", "Attributes": {"VisibilityTimeout": "-1"}}]' >"$work/queues.json"
refuses 1 'bad: .*VisibilityTimeout' --durability memory --listen 127.0.0.1:0 --queues "$work/queues.json"
echo '[{"Name": "x"}]' >"$work/queues.json"
refuses 1 'QueueName' --durability memory --listen 127.0.0.1:0 --queues "$work/queues.json"

it 'host the engine, and keep messages, tags and attributes over a reboot'
start --data "$disk/data"
get '/?Action=CreateQueue&QueueName=kept&Tag.1.Key=team&Tag.1.Value=red'
get '/?Action=SendMessage&QueueUrl=kept&MessageBody=safe'
out_has '<MessageId>'
kill -KILL $server
wait $server 2>/dev/null
rm -rf "$RINGLEASE_DIR"
start --data "$disk/data"
get '/?Action=ListQueueTags&QueueUrl=kept'
out_has '<Key>team</Key><Value>red</Value>'
get '/?Action=ReceiveMessage&QueueUrl=kept'
out_has '<Body>safe</Body>'
stop

it 'have tags and policy of a queue in a backup, and bring them back with it'
# Anybody may send: {"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}}
policy='%7B%22Statement%22:%7B%22Effect%22:%22Allow%22,%22Principal%22:%22*%22,%22Action%22:%22sqs:SendMessage%22,%22Resource%22:%22*%22%7D%7D'
start --data "$disk/data"
get "/?Action=CreateQueue&QueueName=open&Tag.1.Key=team&Tag.1.Value=green&Attribute.1.Name=Policy&Attribute.1.Value=$policy"
out_has '<QueueUrl>'
get '/?Action=CreateQueue&QueueName=closed'
expect 0 backup "$disk/backup" --data "$disk/data"
out_has '; 2 files of SQS tags and policies$'
get '/?Action=DeleteQueue&QueueUrl=open'
stop
rm -rf "$RINGLEASE_DIR"
expect 0 restore "$disk/backup" --data "$disk/restored"
out_has '; 2 files of SQS tags and policies$'
printf '[any]\naws_access_key_id = AKIDANY\naws_secret_access_key = secret\n' >"$work/keys"
chmod 600 "$work/keys"
start --data "$disk/restored" --credentials "$work/keys"
get '/?Action=SendMessage&QueueUrl=open&MessageBody=anonymous'
out_has '<MessageId>'
get '/?Action=SendMessage&QueueUrl=closed&MessageBody=anonymous'
out_has '<Code>AccessDenied'
stop
start --data "$disk/restored"
get '/?Action=ListQueueTags&QueueUrl=open'
out_has '<Key>team</Key><Value>green</Value>'
get '/?Action=GetQueueAttributes&QueueUrl=open&AttributeName.1=Policy'
out_has 'Principal.*:.*\*.*SendMessage'
stop

# The signal is there before the engine is, as one that comes while the journal is read.
it 'end as asked by a signal that comes before the engine serves'
env --block-signal=TERM sh -c 'kill -TERM $$; exec "$@"' sh \
	"$ringlease_sqs" --listen 127.0.0.1:0 --dir "$work/early" --data "$disk/early" >"$work/out" 2>"$work/err"
got=$?
[ $got -eq 0 ] || fault "exit $got, not 0"
grep -q '^ringlease-sqs: [^e]' "$work/err" && fault 'it says more than its engine does'

# Its promise to be awake outlives it by up to two seconds.
it 'host the engine again at once when it was killed'
start --data "$disk/data"
kill -KILL $server
wait $server 2>/dev/null
start --data "$disk/data"
get '/?Action=SendMessage&QueueUrl=kept&MessageBody=again'
out_has '<MessageId>'
get '/?Action=PurgeQueue&QueueUrl=kept'
out_has '<PurgeQueueResponse'
stop

# durable_send: is it acknowledged?
durable_send() {
	get '/?Action=SendMessage&QueueUrl=kept&MessageBody=durable'
	grep -q '<MessageId>' "$work/out"
}

it 'use the engine that serves the queues already, and take over from it when it is killed'
"$ringleased" --data "$disk/data" 2>"$work/engine" &
engine=$!
children="$children $engine"
await 60 file_has "$work/engine" 'kept: served' || fault 'no engine'
start
get '/?Action=CreateQueue&QueueName=more'
out_has '<QueueUrl>'
stop
start --data "$disk/data"
file_has "$work/log" "another engine serves $RINGLEASE_DIR; standing by" || fault 'it does not stand by'
get '/?Action=ListQueueTags&QueueUrl=kept'
out_has '<Key>team</Key><Value>red</Value>'
kill -KILL $engine
wait $engine 2>/dev/null
await 60 file_has "$work/log" 'kept: served' || fault 'it does not take over'
await 60 durable_send || fault 'what was sent is not acknowledged'
stop

it 'log each request in one line, if it is asked to'
start --durability memory --access-log
get '/?Action=ListQueues'
get '/?Action=SendMessage&QueueUrl=none&MessageBody=x'
get $'/%0a?Action=ListQueues'
grep -Eq '^[0-9T:.-]+Z 127.0.0.1 GET / ListQueues - 200 [0-9]+ [0-9]+ms [0-9a-f-]{36} -$' "$work/log" || fault 'no such line'
grep -Eq ' SendMessage - 400 .* AWS.SimpleQueueService.NonExistentQueue$' "$work/log" || fault 'no line of the failure'
stop

finish
