#include "client/internal.h"
#include "kmod-free/memory.h"
#include "tests/support/queue_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(segment, .init = queues_begin, .fini = queues_end, .timeout = 60);

static struct seg_directory *directory(void)
{
	return &queues_directory()->seg;
}

static struct seg_recipe recipe_of(const char *name)
{
	struct seg_recipe recipe = {.name = name, .capacity = 1000, .mode = 0600, .group = UINT32_MAX};

	recipe.attribute[ATTRIBUTE_RETENTION_MS] = RLQ_RETENTION_MIN_MS;
	recipe.attribute[ATTRIBUTE_BYTES_MAX] = 1000;
	return recipe;
}

static int file_of(const char *name)
{
	char file[SEG_NAME_MAX + 8];
	int fd;

	seg_file_name(name, file);
	fd = openat(directory()->fd, file, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	return fd;
}

/* ---- creation --------------------------------------------------------------------------------- */

Test(segment, shouldBeLinkedWholeOrNotAtAll)
{
	struct seg_recipe recipe = recipe_of("q");
	struct segment *segment;

	cr_assert_eq(seg_create(directory(), &recipe), 0);
	cr_assert_eq(seg_open(directory(), "q", &segment), 0);
	cr_assert_eq(segment->capacity, 1000);
	cr_assert_eq(rings_count(segment->rings), 1);
	cr_assert_str_eq(segment->header->identity.name, "q");
	seg_close(segment);
}

Test(segment, shouldNeverReplaceAnotherOfItsName)
{
	struct seg_recipe recipe = recipe_of("q");
	struct segment *before, *after;

	cr_assert_eq(seg_create(directory(), &recipe), 0);
	cr_assert_eq(seg_open(directory(), "q", &before), 0);
	cr_assert_eq(seg_create(directory(), &recipe), -EEXIST);
	cr_assert_eq(seg_open(directory(), "q", &after), 0);
	cr_assert_eq(before->incarnation, after->incarnation);
	seg_close(before);
	seg_close(after);
}

Test(segment, shouldHaveAnIncarnationOfItsOwnEachTime)
{
	struct seg_recipe recipe = recipe_of("q");
	uint64_t seen[8];

	for (int i = 0; i < 8; i++) {
		struct segment *segment;

		cr_assert_eq(seg_create(directory(), &recipe), 0);
		cr_assert_eq(seg_open(directory(), "q", &segment), 0);
		seen[i] = segment->incarnation;
		for (int j = 0; j < i; j++)
			cr_assert_neq(seen[j], seen[i]);
		seg_close(segment);
		cr_assert_eq(seg_remove(directory(), "q"), 0);
	}
}

Test(segment, shouldTakeLittleMemoryUntilItIsUsed)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_queue_stat stat = stat_of(queue);

	cr_assert_leq(stat.memory_bytes, 256 * 1024, "%lu bytes", (unsigned long)stat.memory_bytes);
	cr_assert_eq(stat.slots, 1 << SEG_ORDER_FIRST);
}

Test(segment, shouldHaveTheModeThatWasAskedWhateverTheUmask)
{
	struct rlq_queue_attributes attributes = RLQ_QUEUE_ATTRIBUTES_INIT;
	struct stat status;
	int fd;

	attributes.mode = 0660;
	umask(077);
	queue_make("q", &attributes);
	fd = file_of("q");
	cr_assert_eq(fstat(fd, &status), 0);
	cr_assert_eq(status.st_mode & 0777, 0660);
	close(fd);
}

/* ---- faults by name --------------------------------------------------------------------------- */

static struct seg_identity identity, mirror;
static unsigned char boot[16];

static int check(uint64_t file_bytes)
{
	return seg_check_identity(&identity, &mirror, file_bytes, boot);
}

static void sound_identity(void)
{
	struct segment *segment;

	queue_make("sound", NULL);
	cr_assert_eq(seg_open(directory(), "sound", &segment), 0);
	identity = segment->header->identity;
	mirror = identity;
	memcpy(boot, directory()->boot_id, sizeof(boot));
	seg_close(segment);
	cr_assert_eq(check(SEG_FILE_BYTES), 0);
}

Test(segment, shouldRefuseWhatIsNoSegment)
{
	sound_identity();
	mirror.magic[3] = identity.magic[3] = 'x';
	cr_assert_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
}

Test(segment, shouldNameAnotherVersionAndUnknownFeatures)
{
	sound_identity();
	mirror.abi_major = identity.abi_major = SEG_ABI_MAJOR + 1;
	cr_assert_eq(check(SEG_FILE_BYTES), RLQ_EVERSION);
	sound_identity();
	mirror.features = identity.features = UINT64_C(1) << 40;
	cr_assert_eq(check(SEG_FILE_BYTES), RLQ_EVERSION);
	sound_identity();
	mirror.abi_minor = identity.abi_minor = SEG_ABI_MINOR + 1;
	cr_assert_eq(check(SEG_FILE_BYTES), 0, "a later minor version may be used");
}

Test(segment, shouldNameAnEarlierBoot)
{
	sound_identity();
	boot[7] ^= 1;
	cr_assert_eq(check(SEG_FILE_BYTES), RLQ_EBOOT);
}

Test(segment, shouldNoticeAFileThatIsTooShort)
{
	sound_identity();
	cr_assert_eq(check(SEG_FILE_BYTES - 1), RLQ_EDAMAGED);
	cr_assert_eq(check(0), RLQ_EDAMAGED);
}

Test(segment, shouldNoticeEveryFlippedBitOfItsIdentity)
{
	sound_identity();
	for (size_t bit = 0; bit < sizeof(identity) * 8; bit++) {
		unsigned char *byte = (unsigned char *)&identity + bit / 8;

		*byte ^= (unsigned char)(1 << bit % 8);
		cr_assert_neq(check(SEG_FILE_BYTES), 0, "bit %zu", bit);
		*byte ^= (unsigned char)(1 << bit % 8);
	}
}

Test(segment, shouldRefuseValuesThatCannotBeEvenWhenTheMirrorAgrees)
{
	sound_identity();
	mirror.order_max = identity.order_max = RING_ORDER_MAX + 1;
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
	sound_identity();
	mirror.order_max = identity.order_max = 0;
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
	sound_identity();
	mirror.incarnation = identity.incarnation = 0;
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
	sound_identity();
	mirror.capacity = identity.capacity = 0;
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
	sound_identity();
	mirror.durability = identity.durability = RLQ_SYNC + 1;
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
	sound_identity();
	memset(identity.name, 'x', sizeof(identity.name));
	memset(mirror.name, 'x', sizeof(mirror.name));
	cr_expect_eq(check(SEG_FILE_BYTES), RLQ_EDAMAGED);
}

Test(segment, shouldOpenWithTheSameFaultsAsItsIdentity)
{
	struct segment *segment;
	uint16_t major = SEG_ABI_MAJOR + 1;
	int fd;

	queue_make("q", NULL);
	fd = file_of("q");
	cr_assert_eq(pwrite(fd, &major, 2, 8), 2);
	cr_assert_eq(seg_open(directory(), "q", &segment), RLQ_EVERSION);
	cr_assert_eq(seg_open(directory(), "none", &segment), -ENOENT);
	close(fd);
}

/* ---- damage that would make us touch what has no memory --------------------------------------- */

static int open_fails_with(const char *name)
{
	struct segment *segment = NULL;
	int error = seg_open(directory(), name, &segment);

	seg_close(segment);
	return error;
}

/* Makes every handle take the list of rings anew. */
static void list_again(struct rlq_queue *queue)
{
	uint64_t rings = load_seq(&queue->seg->header->rings);

	store_seq(&queue->seg->header->rings,
		  rings_make(rings_count(rings), rings_version(rings) + 1, (uint32_t)rings));
}

/* All calls of a handle that must look at the damaged word. */
static void expect_all_refuse(struct rlq_queue *queue, const struct rlq_receipt *receipt)
{
	struct rlq_queue_stat stat = {.size = sizeof(stat)};
	struct rlq_reservation reservation;
	struct rlq_message message;
	uint64_t cursor = 0;

	cr_expect_eq(rlq_send(queue, "b", 1, NULL, NULL), RLQ_EDAMAGED);
	cr_expect_eq(rlq_reserve(queue, 1, NULL, &reservation), RLQ_EDAMAGED);
	cr_expect_eq(receive_now(queue, &message, 1), RLQ_EDAMAGED);
	cr_expect_eq(rlq_delete(queue, receipt), RLQ_EDAMAGED);
	cr_expect_eq(rlq_extend(queue, receipt, 1000), RLQ_EDAMAGED);
	cr_expect_eq(rlq_release(queue, receipt, 0), RLQ_EDAMAGED);
	cr_expect_eq(rlq_peek(queue, &message, 1, &cursor), RLQ_EDAMAGED);
	cr_expect_eq(rlq_purge(queue, NULL), RLQ_EDAMAGED);
	cr_expect_eq(rlq_queue_stat(queue, &stat), RLQ_EDAMAGED);
}

/* Puts `low` into the word of region 0: who has the ring goes on, who looks anew refuses. */
static void expect_region_refused(struct rlq_queue *queue, uint64_t low)
{
	atomic_u64 *word = &queue->seg->header->region[0].low;
	uint64_t sound = load_seq(word), memory = os_file_memory(queue->seg->fd);
	struct rlq_message message;

	send_text(queue, "a");
	store_seq(word, low);
	message = receive_one(queue);
	cr_expect(body_is(&message, "a"));
	cr_expect_eq(open_fails_with("q"), RLQ_EDAMAGED, "%lx", (unsigned long)low);
	list_again(queue);
	expect_all_refuse(queue, &message.receipt);
	sweep_now(queue);
	cr_expect_gt(faults_of("q"), 0);
	cr_expect_eq(os_file_memory(queue->seg->fd), memory, "%lx", (unsigned long)low);
	store_seq(word, sound);
	cr_expect_eq(rlq_delete(queue, &message.receipt), 0);
	cr_expect_eq(faults_of("q"), 0);
}

Test(segment, shouldNoticeARingThatIsSaidToBeLargerThanItsMemory)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t low = load_seq(&queue->seg->header->region[0].low);

	cr_assert_eq(region_order(low), SEG_ORDER_FIRST);
	cr_assert_gt(queue->seg->capacity_order, SEG_ORDER_FIRST + 2);
	expect_region_refused(queue, low + (1 << 4));
	expect_region_refused(queue, low + (2 << 4));
}

Test(segment, shouldNoticeEveryFlippedBitOfTheOrderOfARing)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	uint64_t low = load_seq(&queue->seg->header->region[0].low);

	for (int bit = 0; bit < 32; bit++)
		if (REGION_ORDER_BITS >> bit & 1)
			expect_region_refused(queue, low ^ UINT64_C(1) << bit);
}

/* Rows beyond those with memory must not be looked at; handles that are there go on. */
Test(segment, shouldNoticeEveryFlippedBitOfTheNumberOfRows)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	atomic_u64 *word = &queue->seg->header->row_high;
	uint64_t sound = load_seq(word), memory = os_file_memory(queue->seg->fd);

	cr_assert_eq(seg_row_high(queue->seg), SEG_ROWS_STEP - 1);
	for (int bit = 0; bit < 64; bit++) {
		struct rlq_message message;

		store_seq(word, sound ^ UINT64_C(1) << bit);
		cr_expect_eq(open_fails_with("q"), RLQ_EDAMAGED, "bit %d", bit);
		send_text(queue, "a");
		message = receive_one(queue);
		cr_expect(body_is(&message, "a"));
		sweep_now(queue);
		cr_expect_eq(rlq_delete(queue, &message.receipt), 0, "bit %d", bit);
		cr_expect_gt(faults_of("q"), 0);
		stat_of(queue);
		cr_expect_eq(os_file_memory(queue->seg->fd), memory, "bit %d", bit);
		store_seq(word, sound);
	}
	sweep_now(queue);
	cr_expect_eq(faults_of("q"), 0);
	cr_expect_eq(stat_of(queue).handles, 1);
}

Test(segment, shouldTakeNobodyForGoneWhileTheNumberOfRowsIsDamaged)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct segment *seg = queue->seg;
	uint64_t sound = load_seq(&seg->header->row_high);

	cr_assert(seg_handle_is_gone(seg, 9, 1));
	store_seq(&seg->header->row_high, sound ^ 16);
	cr_expect_not(seg_handle_is_gone(seg, 9, 1));
	cr_expect(seg_is_held(seg, 1), "nobody can say that it is not");
	store_seq(&seg->header->row_high, sound);
	cr_expect_not(seg_is_held(seg, 1));
}

/* ---- removal ---------------------------------------------------------------------------------- */

Test(segment, shouldTellOpenHandlesThatItWasRemoved)
{
	struct rlq_queue *queue = queue_make("q", NULL);
	struct rlq_message message;

	send_text(queue, "a");
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	cr_assert_eq(rlq_send(queue, "b", 1, NULL, NULL), RLQ_EREMOVED);
	cr_assert_eq(receive_now(queue, &message, 1), RLQ_EREMOVED);
	cr_assert_eq(rlq_purge(queue, NULL), RLQ_EREMOVED);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), RLQ_ENOQUEUE);
}

Test(segment, shouldNotPassForAQueueWhileItIsBeingRemoved)
{
	struct rlq_queue *queue = queue_make("q", NULL), *anew;
	int fd = file_of("q");

	/* Where a remover may be stopped: marked, about to take the name away. */
	cr_assert_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	fetch_or_seq(&queue->seg->header->rings, RINGS_REMOVED);
	cr_assert_eq(rlq_queue_open(queues_directory(), "q", &anew), RLQ_ENOQUEUE);
	cr_assert_eq(rlq_queue_create(queues_directory(), "q", NULL), RLQ_EBUSY);
	close(fd);
	cr_assert_eq(rlq_queue_create(queues_directory(), "q", NULL), 1);
}

Test(segment, shouldBeRemovedEvenWhenItIsDamaged)
{
	struct segment *segment;
	int fd;

	queue_make("q", NULL);
	fd = file_of("q");
	cr_assert_eq(pwrite(fd, "????", 4, 0), 4);
	cr_assert_eq(seg_open(directory(), "q", &segment), RLQ_EDAMAGED);
	cr_assert_eq(rlq_queue_remove(queues_directory(), "q"), 0);
	cr_assert_eq(seg_open(directory(), "q", &segment), -ENOENT);
	close(fd);
}
