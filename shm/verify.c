#include "shm/verify.h"

#include "ringlease.h"
#include "shm/message.h"
#include "shm/verify_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAULTS_SAID_MAX = 1000, DATA_PAGES_MAX = 1024, PAGE = 4096 };

void fault(struct check *check, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (check->faults++ >= FAULTS_SAID_MAX)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	check->fault(check->context, text);
}

/* ---- header ----------------------------------------------------------------------------------- */

static void check_attribute(struct check *check, enum seg_attribute attribute, const char *name, uint64_t min,
			    uint64_t max)
{
	uint64_t value = seg_attribute(check->segment, attribute);

	if (value < min || value > max)
		fault(check, "attribute %s is %llu, not %llu to %llu", name, (unsigned long long)value,
		      (unsigned long long)min, (unsigned long long)max);
}

static void check_header(struct check *check)
{
	check_attribute(check, ATTRIBUTE_VISIBILITY_MS, "visibility", 0, (uint64_t)RLQ_VISIBILITY_MAX_MS);
	check_attribute(check, ATTRIBUTE_DELAY_MS, "delay", 0, (uint64_t)RLQ_DELAY_MAX_MS);
	check_attribute(check, ATTRIBUTE_RETENTION_MS, "retention", (uint64_t)RLQ_RETENTION_MIN_MS,
			(uint64_t)RLQ_RETENTION_MAX_MS);
	check_attribute(check, ATTRIBUTE_WAIT_MS, "wait", 0, 20000);
	check_attribute(check, ATTRIBUTE_BYTES_MAX, "message bytes", 1, RLQ_BODY_MAX);
	check_attribute(check, ATTRIBUTE_RECEIVES_MAX, "max receives", 0, 1000);
	check_attribute(check, ATTRIBUTE_DLQ, "dlq", 0, 2);
	if (seg_is_fifo(check->segment)) {
		check_attribute(check, ATTRIBUTE_CONTENT_DEDUP, "content dedup", 0, 1);
		check_attribute(check, ATTRIBUTE_DEDUP_SCOPE, "dedup scope", 0, RLQ_DEDUP_GROUP);
		check_attribute(check, ATTRIBUTE_DEDUP_WINDOW_MS, "dedup window", (uint64_t)RLQ_DEDUP_WINDOW_MIN_MS,
				(uint64_t)RLQ_DEDUP_WINDOW_MAX_MS);
	}
	if (seg_row_high(check->segment) == 0)
		fault(check, "the number of rows with memory is damaged (%llx)",
		      (unsigned long long)load_relaxed(&check->segment->header->row_high));
}

/* ---- rings ------------------------------------------------------------------------------------ */

static bool check_region(struct check *check, uint32_t index)
{
	const struct word128 *region = &check->segment->header->region[index];
	uint64_t low = load_acquire(&region->low), id = load_acquire(&region->high) >> 32;
	uint32_t order = region_order(low);

	if ((low & 15) == REGION_EMPTY || (low & 15) > REGION_LIVE)
		fault(check, "ring region %u is listed, yet in state %u", index, (unsigned)(low & 15));
	else if (order == UINT32_MAX)
		fault(check, "ring region %u: the two copies of its order differ (%llx)", index,
		      (unsigned long long)low);
	else if (order > check->segment->capacity_order || id == 0)
		fault(check, "ring region %u has order %u, id %llu", index, order, (unsigned long long)id);
	else
		return true;
	return false;
}

/* What a region's word may say that is not listed: in use by who grows or retires, or to be given back by the
 * next who looks. */
static bool is_possible_unlisted(const struct check *check, uint64_t low)
{
	uint32_t order = region_order(low), row = (uint32_t)(low >> 12) & 0xfff;

	switch (low & 15) {
	case REGION_EMPTY:
		return low == 0;
	case REGION_BUSY:
		return order <= check->segment->capacity_order && row > 0 && row < SEG_ROW_COUNT;
	case REGION_LIVE:
		return order <= check->segment->capacity_order && row == 0;
	default:
		return false;
	}
}

/* Is there anything but zeros in the region? Pages that were only read are zeros. Looks at the first pages that
 * have memory; a file system that cannot say which do calls all of them so. */
static bool region_has_data(const struct segment *segment, uint32_t index)
{
	static const unsigned char zeros[PAGE];
	unsigned char page[PAGE];
	off_t at = (off_t)(SEG_RINGS + index * SEG_RING_REGION), end = at + (off_t)SEG_RING_REGION;

	for (int looks = 0; looks < DATA_PAGES_MAX; looks++, at += PAGE) {
		at = lseek(segment->fd, at, SEEK_DATA);
		if (at < 0 || at >= end)
			return false;
		if (pread(segment->fd, page, PAGE, at) == PAGE && memcmp(page, zeros, PAGE) != 0)
			return true;
	}
	return false;
}

/* A ring is built of zeros, so an empty region must hold nothing else. */
static void check_unlisted(struct check *check, uint32_t index)
{
	const struct seg_header *header = check->segment->header;
	const atomic_u64 *word = &header->region[index].low;
	uint64_t taken = load_seq(&header->ring_next), low = load_seq(word);
	bool has_data;

	if (!is_possible_unlisted(check, low))
		fault(check, "ring region %u is not listed, and its state cannot be (%llx)", index,
		      (unsigned long long)low);
	if (low != 0)
		return;
	has_data = region_has_data(check->segment, index);
	/* Taken meanwhile, perhaps given back too: the data are the taker's. */
	if (has_data && load_seq(word) == 0 && load_seq(&header->ring_next) == taken)
		fault(check, "ring region %u is empty, yet there are data in it", index);
}

static void check_message(struct check *check, uint32_t index, uint32_t slot_index, const struct slot *slot,
			  struct slot_word before)
{
	struct slot_message message;
	const unsigned char *payload;
	bool belongs;

	message = message_read(&slot->message);
	payload = message_payload(check->segment, slot, &message, 0);
	belongs = message.block == 0 || body_belongs(check->segment, message.block,
						     place_pack(index, slot_index, word_generation(before)));
	/* Changed meanwhile: what we read may have been torn. */
	if (slot_read_stable(slot).bits.low != before.bits.low)
		return;
	if (payload == NULL)
		fault(check, "ring %u slot %u: %u + %u bytes do not fit where they are said to lie (block %llx)",
		      index, slot_index, message.body_bytes, message.extra_bytes,
		      (unsigned long long)message.block);
	else if (!belongs)
		fault(check, "ring %u slot %u: block %llx belongs to another message", index, slot_index,
		      (unsigned long long)message.block);
}

static void check_slot(struct check *check, const struct ring *ring, uint32_t index, uint32_t slot_index)
{
	const struct slot *slot = &ring->slots[slot_index];
	struct slot_word word = slot_read_stable(slot);
	enum slot_state state = word_state(word);
	uint64_t laps = (load_seq(&ring->ends->tail) + SEG_ROW_COUNT * CURSOR_LAG_MAX) >> ring->order;

	if (state >= SLOT_STATE_COUNT || state == SLOT_DONE)
		fault(check, "ring %u slot %u: no such state: %u", index, slot_index, (unsigned)state);
	if (state == SLOT_PENDING && word_owner(word) > PENDING_DELAYED)
		fault(check, "ring %u slot %u: PENDING cannot become %u", index, slot_index, word_owner(word));
	if (state == SLOT_PENDING && check->segment->durability != RLQ_SYNC)
		fault(check, "ring %u slot %u: PENDING, though no send to this queue waits for the journal", index,
		      slot_index);
	/* Cursors run ahead of the tail by less than their lag, those of the killed too. */
	if (word_generation(word) > laps + 1)
		fault(check, "ring %u slot %u: generation %llu is beyond lap %llu", index, slot_index,
		      (unsigned long long)word_generation(word), (unsigned long long)laps);
	if (state == SLOT_PENDING || state == SLOT_READY || state == SLOT_LEASED || state == SLOT_DELAYED ||
	    state == SLOT_DEAD) {
		check_message(check, index, slot_index, slot, word);
		if (seg_is_fifo(check->segment))
			check_in_chain(check, index, slot_index, word);
	}
}

static void check_ring(struct check *check, uint32_t index)
{
	struct segment *segment = check->segment;
	const struct ring *ring = &segment->ring[index];
	uint64_t tail = load_seq(&ring->ends->tail), head = load_seq(&ring->ends->head);

	if (tail > UINT64_MAX / 4 || head > UINT64_MAX / 4 ||
	    head > tail + 2 * (uint64_t)ring_slot_count(ring) + (uint64_t)SEG_ROW_COUNT * CURSOR_LAG_MAX) {
		fault(check, "ring %u: head %llu and tail %llu cannot be", index, (unsigned long long)head,
		      (unsigned long long)tail);
		return;
	}
	for (uint32_t slot = 0; slot < ring_slot_count(ring); slot++)
		check_slot(check, ring, index, slot);
}

static bool check_list(struct check *check)
{
	uint64_t rings = load_seq(&check->segment->header->rings);

	if (rings_count(rings) == 0 || rings_count(rings) > SEG_RING_COUNT) {
		fault(check, "the list of rings has %u entries", rings_count(rings));
		return false;
	}
	for (uint32_t i = 0; i < rings_count(rings); i++) {
		if (rings_at(rings, i) >= SEG_RING_COUNT) {
			fault(check, "the list of rings names region %u", rings_at(rings, i));
			return false;
		}
		if (!check_region(check, rings_at(rings, i)))
			return false;
	}
	return true;
}

static void check_rings(struct check *check)
{
	struct segment *segment = check->segment;

	if (!check_list(check) || !check_tables_listed(check))
		return;
	if (seg_refresh(segment) != 0)
		return; /* removed or changed under us */
	for (uint32_t i = 0; i < rings_count(segment->rings); i++)
		check_ring(check, rings_at(segment->rings, i));
	for (uint32_t i = 0; i < SEG_RING_COUNT; i++)
		if (!rings_contain(segment->rings, i))
			check_unlisted(check, i);
	if (seg_is_fifo(segment))
		check_tables(check);
	seg_leave(segment);
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* 0, or a list that there may have been. */
static bool is_possible_view(uint64_t view)
{
	uint32_t count = rings_count(view);

	if (view == 0)
		return true;
	for (uint32_t i = 0; i < count && count <= SEG_RING_COUNT; i++)
		if (rings_at(view, i) >= SEG_RING_COUNT)
			return false;
	return count > 0 && count <= SEG_RING_COUNT && !(view & RINGS_REMOVED);
}

static bool is_possible_hold(const struct segment *segment, uint64_t hold)
{
	struct place place = place_unpack(hold);

	return hold == 0 || (place_pack(place.ring, place.slot, place.generation) == hold &&
			     place.slot >> segment->capacity_order == 0);
}

/* Of the living or the dead, or unused: the next sweep frees the dead's. */
static void check_row(struct check *check, uint32_t index)
{
	const struct seg_row *row = &check->segment->rows[index];
	uint64_t user = load_acquire(&row->user.low), view = load_acquire(&row->view);

	if (user >> 33 != 0)
		fault(check, "row %u: no serial: %llx", index, (unsigned long long)user);
	if (!is_possible_view(view))
		fault(check, "row %u: a call cannot work with rings %llx", index, (unsigned long long)view);
	for (int i = 0; i < SEG_HOLD_COUNT; i++) {
		uint64_t hold = load_acquire(&row->holds[i]);

		if (!is_possible_hold(check->segment, hold))
			fault(check, "row %u: nothing can be read in place at %llx", index,
			      (unsigned long long)hold);
	}
}

static void check_rows(struct check *check)
{
	for (uint32_t i = 1; i <= seg_row_high(check->segment); i++)
		check_row(check, i);
}

/* What is wrong with a segment that cannot be opened. */
static void say_why_unopened(struct check *check, const struct seg_directory *directory, const char *name,
			     int error)
{
	struct seg_identity id[2] = {0};
	struct stat status = {0};
	char file[SEG_NAME_MAX + 8];
	ssize_t got = -1;
	int fd;

	seg_file_name(name, file);
	fd = openat(directory->fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		got = pread(fd, id, sizeof(id), 0);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && !S_ISREG(status.st_mode))
		fault(check, "%s is not a regular file", file);
	else if (got != (ssize_t)sizeof(id))
		fault(check, "%s is too short for a header: %lld bytes", file, (long long)status.st_size);
	else if (memcmp(id[0].magic, SEG_MAGIC, sizeof(id[0].magic)) != 0)
		fault(check, "%s does not begin with the magic %s", file, SEG_MAGIC);
	else if (error == RLQ_EVERSION)
		fault(check, "%s has format %u.%u and features %llx; this is %u.%u with %llx", file,
		      id[0].abi_major, id[0].abi_minor, (unsigned long long)id[0].features, SEG_ABI_MAJOR,
		      SEG_ABI_MINOR, (unsigned long long)SEG_FEATURES);
	else if (error == RLQ_EBOOT)
		fault(check, "%s was made before the last boot", file);
	else if (memcmp(&id[0], &id[1], sizeof(id[0])) != 0)
		fault(check, "%s: the two copies of its identity differ", file);
	else if ((uint64_t)status.st_size < SEG_FILE_BYTES)
		fault(check, "%s was cut to %lld of %llu bytes", file, (long long)status.st_size,
		      (unsigned long long)SEG_FILE_BYTES);
	else if (seg_open_to_look(directory, name, &check->segment) == 0) {
		check_header(check);
		if (check_list(check))
			check_tables_listed(check);
		seg_close(check->segment);
	}
	if (check->faults == 0)
		fault(check, "%s: a limit in the header cannot be right", file);
}

int seg_verify(const struct seg_directory *directory, const char *name,
	       void (*report)(void *context, const char *text), void *context)
{
	struct check check = {.fault = report, .context = context};
	/* With a row, so that no ring is taken away under the check. */
	int error = seg_open(directory, name, &check.segment);

	if (error == RLQ_EDAMAGED || error == RLQ_EVERSION || error == RLQ_EBOOT) {
		say_why_unopened(&check, directory, name, error);
		return check.faults;
	}
	if (error)
		return error;
	check_header(&check);
	check_rings(&check);
	check_rows(&check);
	seg_close(check.segment);
	return check.faults;
}
