#include "ring/slot.h"

#include <criterion/criterion.h>

static const uint64_t generation_max = GENERATION_MASK;

Test(slot, shouldKeepEveryFieldOfAWordApart)
{
	struct slot_word word = word_make(SLOT_LEASED, generation_max, 0xabc, 0xfedcba98, 0x12345678);

	cr_assert_eq(word_state(word), SLOT_LEASED);
	cr_assert_eq(word_generation(word), generation_max);
	cr_assert_eq(word_owner(word), 0xabc);
	cr_assert_eq(word_receives(word), 0xfedcba98);
	cr_assert_eq(word_deadline_ms(word), 0x12345678);
	cr_assert_eq(word_serial(word), 0x12345678, "in states with an owner the deadline is its serial");
}

Test(slot, shouldChangeOneFieldAndLeaveTheOthers)
{
	struct slot_word word = word_make(SLOT_READY, 7, 5, 3, 1);

	word = word_with_state(word, SLOT_DEAD);
	word = word_with_owner(word, OWNER_MANY);
	word = word_with_deadline(word, 99);
	word = word_with_generation(word, 8);
	cr_assert_eq(word_state(word), SLOT_DEAD);
	cr_assert_eq(word_owner(word), OWNER_MANY);
	cr_assert_eq(word_deadline_ms(word), 99);
	cr_assert_eq(word_generation(word), 8);
	cr_assert_eq(word_receives(word), 3);
}

Test(slot, shouldBeFreedToTheNextLap)
{
	struct slot_word freed = word_freed(word_make(SLOT_LEASED, 41, 3, 9, 1234));

	cr_assert_eq(word_state(freed), SLOT_FREE);
	cr_assert_eq(word_generation(freed), 42);
	cr_assert_eq(word_owner(freed), OWNER_NONE);
	cr_assert_eq(freed.bits.high, 0);
	cr_assert_eq(word_generation(word_freed(word_make(SLOT_LEASED, generation_max, 0, 0, 0))), 0,
		     "the generation wraps within its field");
}

Test(slot, shouldPackAPlaceThatIsNeverZero)
{
	struct place place = place_unpack(place_pack(7, 0xffffff, generation_max));

	cr_assert_eq(place.ring, 7);
	cr_assert_eq(place.slot, 0xffffff);
	cr_assert_eq(place.generation, PLACE_GENERATION_MASK);
	cr_assert_neq(place_pack(0, 0, 0), 0);
	cr_assert_eq(place_unpack(place_pack(3, 17, 12345)).generation, 12345);
}

Test(slot, shouldCompareDeadlinesModulo32Bits)
{
	cr_assert(deadline_is_past(100, 100));
	cr_assert(deadline_is_past(99, 100));
	cr_assert_not(deadline_is_past(101, 100));
	cr_assert(deadline_is_past(UINT32_MAX, 5), "the clock has wrapped since");
	cr_assert_not(deadline_is_past(5, UINT32_MAX), "the deadline lies beyond the wrap");
}

Test(slot, shouldChangeOnlyFromTheWordThatWasSeen)
{
	static struct slot slot;
	struct slot_word was = slot_read(&slot), other = was;

	other.bits.high = 1;
	cr_assert_not(slot_change(&slot, other, word_make(SLOT_READY, 1, 0, 0, 0)), "the upper half counts too");
	cr_assert(slot_change(&slot, was, word_make(SLOT_READY, 1, 0, 0, 0)));
	cr_assert_not(slot_change(&slot, was, word_make(SLOT_LEASED, 1, 0, 0, 0)));
	cr_assert_eq(word_state(slot_read_stable(&slot)), SLOT_READY);
}

Test(slot, shouldNameItsOwnerByRowAndSerial)
{
	uint64_t owner = owner_make(0xabc, 77);

	cr_assert_eq((uint32_t)owner & 0xfff, 0xabc);
	cr_assert_eq(owner >> 32, 77);
}
