#include "ring/marks.h"

#define AT_ONCE ((UINT64_C(1) << MARKS_AT_ONCE) - 1)

static uint32_t words_for(uint32_t bits)
{
	return (bits + MARKS_WORD - 1) / MARKS_WORD;
}

size_t marks_bytes(uint32_t slots)
{
	uint32_t words = words_for(slots);

	return ((size_t)words + words_for(words)) * sizeof(atomic_u64);
}

void marks_place(struct marks *ret, void *memory, uint32_t slots)
{
	*ret = (struct marks){
		.words = memory,
		.summary = (atomic_u64 *)memory + words_for(slots),
		.slots = slots,
	};
}

/* Two loads of what others write seldom, mostly. */
void marks_set(const struct marks *marks, uint32_t slot)
{
	uint32_t word = slot / MARKS_WORD;

	/* [J1] The look comes after the change of the slot; pairs with [J2]. */
	if (!(load_seq(&marks->words[word]) >> (slot % MARKS_WORD) & 1)) {
		fetch_or_seq(&marks->words[word], AT_ONCE << (slot % MARKS_WORD / MARKS_AT_ONCE * MARKS_AT_ONCE));
		CRASH_POINT(bit_set);
	}
	/* [J1] The word before its summary: who takes the summary then takes the mark too. An acquire: behind the
	 * look at the mark, which the change comes before. */
	if (!(load_acquire(&marks->summary[word / MARKS_WORD]) >> (word % MARKS_WORD) & 1)) {
		fetch_or_seq(&marks->summary[word / MARKS_WORD], UINT64_C(1) << (word % MARKS_WORD));
		CRASH_POINT(bit_set);
	}
}

/* The bits of a word that stand for something, of `count` things from the word's first one on. */
static uint64_t bits_within(uint64_t bits, uint32_t count)
{
	return count < MARKS_WORD ? bits & ((UINT64_C(1) << count) - 1) : bits;
}

/* Goes on to the next summary word that says something, if nothing is left of the last one. */
static bool take_summary(const struct marks *marks, struct marks_taking *taking)
{
	uint32_t words = words_for(marks->slots);

	while (taking->left == 0 && taking->next < words_for(words)) {
		uint32_t index = taking->next++;

		/* [J2] Most are 0; those that are not are taken before their words. */
		if (load_seq(&marks->summary[index]) == 0)
			continue;
		taking->left = bits_within(exchange_seq(&marks->summary[index], 0), words - index * MARKS_WORD);
		CRASH_POINT(bit_summary_cleared);
	}
	return taking->left != 0;
}

bool marks_take(const struct marks *marks, struct marks_taking *taking, uint32_t *ret_slot, uint64_t *ret_bits)
{
	while (take_summary(marks, taking)) {
		uint32_t bit = (uint32_t)__builtin_ctzll(taking->left);
		uint32_t word = (taking->next - 1) * MARKS_WORD + bit, slot = word * MARKS_WORD;
		uint64_t bits;

		taking->left &= taking->left - 1;
		/* [J2] Taken before the slots are looked at; pairs with [J1]. */
		bits = bits_within(exchange_seq(&marks->words[word], 0), marks->slots - slot);
		CRASH_POINT(bit_cleared);
		if (bits == 0)
			continue;
		*ret_slot = slot;
		*ret_bits = bits;
		return true;
	}
	return false;
}
