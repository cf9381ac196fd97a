/* What a queue's file is: its mode, its group, the nodes its memory lies on. */
#include "client/internal.h"
#include "kmod-free/numa.h"
#include "tests/support/cases.h"
#include "tests/support/queue_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

/* ---- mode and group --------------------------------------------------------------------------- */

static struct stat file_status(struct rlq_queue *queue)
{
	struct stat status, named;
	char file[SEG_NAME_MAX + 8];

	seg_file_name(rlq_queue_name(queue), file);
	CHECK_EQ(fstat(queue->seg->fd, &status), 0);
	CHECK_EQ(fstatat(queue->directory->seg.fd, file, &named, 0), 0);
	CHECK_EQ(named.st_ino, status.st_ino);
	return status;
}

/* A group that is ours to give and not the one that files get by themselves; false if there is none. */
static bool another_group(gid_t *ret_group)
{
	gid_t groups[64];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] != getegid()) {
			*ret_group = groups[i];
			return true;
		}
	*ret_group = getegid() + 1;
	return geteuid() == 0;
}

CASE(a_queue_has_the_mode_and_the_group_that_were_asked_for)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;
	struct stat status;
	gid_t group;

	if (!another_group(&group))
		case_skip("neither root nor in a second group");
	umask(077);
	queues_begin();
	attributes.mode = 0660;
	attributes.group = group;
	queue = queue_make("q", &attributes);
	status = file_status(queue);
	CHECK_EQ(status.st_mode & 07777, 0660);
	CHECK_EQ(status.st_gid, group);
	CHECK_EQ(status.st_uid, geteuid());
	CHECK_EQ(rlq_queue_get_attributes(queue, &attributes), 0);
	CHECK_EQ(attributes.mode, 0660);
	CHECK_EQ(attributes.group, group);
	queues_end();
}

CASE(a_queue_is_its_creators_alone_unless_asked_otherwise)
{
	struct stat status;

	umask(0);
	queues_begin();
	status = file_status(queue_make("q", NULL));
	CHECK_EQ(status.st_mode & 07777, 0600);
	CHECK_EQ(status.st_gid, getegid());
	queues_end();
}

/* ---- placement -------------------------------------------------------------------------------- */

static struct rlq_queue *queue_placed(const char *name, enum rlq_placement placement)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;

	attributes.placement = placement;
	return queue_make(name, &attributes);
}

/* What the kernel says of the memory of the first ring and of the first block of 4 KiB, through a handle
 * that has asked for nothing: the policy belongs to the file. */
static void expect_policy(struct rlq_queue *queue, enum os_numa_policy wanted)
{
	static const char body[4096] = "";
	struct segment *seen = queue_again(rlq_queue_name(queue))->seg;
	enum os_numa_policy policy;
	uint32_t node;

	if (!os_numa_policy_of(seen->ring[0].slots, &policy, &node))
		case_skip("no libnuma, or no NUMA in this kernel");
	CHECK_EQ(policy, wanted);
	CHECK_EQ(rlq_send(queue, body, sizeof(body), NULL, NULL), 0);
	CHECK(os_numa_policy_of(queue->seg->bodies.region[4].base, &policy, &node));
	CHECK_EQ(policy, wanted);
}

CASE(memory_of_a_queue_is_interleaved_if_asked)
{
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_placed("q", RLQ_PLACE_INTERLEAVE);
	expect_policy(queue, OS_NUMA_INTERLEAVE);
	CHECK_EQ(faults_of("q"), 0);
	queues_end();
}

CASE(memory_of_a_queue_is_preferred_on_a_node_if_asked)
{
	struct rlq_queue *queue;

	queues_begin();
	queue = queue_placed("q", RLQ_PLACE_NODE);
	expect_policy(queue, OS_NUMA_NODE);
	queues_end();
}

CASE(stat_says_where_memory_really_lies)
{
	struct rlq_queue_stat stat;

	queues_begin();
	if (os_numa_nodes() != 1)
		case_skip("made for one node");
	stat = stat_of(queue_placed("q", RLQ_PLACE_INTERLEAVE));
	if (stat.placed_node == -1)
		case_skip("no libnuma, or no NUMA in this kernel");
	/* Of one node, whatever was asked for: shown is where the pages are. */
	CHECK_EQ(stat.placed_node, 0);
	queues_end();
}

CASE(a_node_that_is_not_there_is_refused)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct rlq_queue *queue;

	queues_begin();
	attributes.placement = RLQ_PLACE_NODE;
	attributes.placement_node = 1000;
	CHECK_EQ(rlq_queue_create(queues_directory(), "q", &attributes), RLQ_EATTRIBUTE);
	CHECK_EQ(rlq_queue_open(queues_directory(), "q", &queue), RLQ_ENOQUEUE);
	queues_end();
}

CASE(a_queue_says_when_it_was_made)
{
	struct rlq_queue *queue;
	uint64_t before;

	queues_begin();
	before = wall_now();
	queue = queue_make("q", NULL);
	time_passes(1000);
	CHECK_EQ(rlq_queue_created_ms(queue), before);
	CHECK_EQ(rlq_queue_created_ms(queue), stat_of(queue).created_ms);
	CHECK_EQ(rlq_queue_remove(queues_directory(), "q"), 0);
	queue = queue_make("q", NULL);
	CHECK_EQ(rlq_queue_created_ms(queue), before + 1000);
	queues_end();
}

int main(int argc, char **argv)
{
	return cases_run(argc, argv);
}
