/* Messages of a noisy tenant are put aside: each is passed, and none is lost. */
#include "tests/interleave/scenario.h"
#include "tests/interleave/world.h"

#define ONE(message) (1u << (message))

void build_aside(void)
{
	world_begin(1, true);
	start_tenants(ONE(1));
	add_producer("producer", 1, 2);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
}

void build_aside_lap(void)
{
	world_begin(0, true);
	start_tenants(ONE(1) | ONE(2));
	add_producer("producer", 1, 2);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
}

void build_aside_unagreed(void)
{
	int unfair;

	world_begin(1, true);
	start_tenants(ONE(1));
	add_producer("producer", 1, 2);
	add_consumer("consumer", 1, DELETES);
	unfair = add_consumer("unfair", 1, DELETES);
	world.actors[unfair].is_unfair = 1;
}

static void begin_with_one_again(void)
{
	world_begin(1, true);
	start_tenants(ONE(7));
	start_ready_again(0, 0, 7);
	start_ends(1);
}

void build_aside_again(void)
{
	begin_with_one_again();
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 2, RELEASES);
}

void build_aside_death(void)
{
	begin_with_one_again();
	add_producer("producer", 1, 1);
	add_consumer("consumer1", 1, DELETES);
	add_consumer("consumer2", 1, DELETES);
	add_reaper("reaper", 1);
}

void build_aside_sleep(void)
{
	world_begin(1, true);
	start_tenants(ONE(1));
	add_sender("sender", 1, 2);
	add_sleeper("sleeper1", 1);
	add_sleeper("sleeper2", 1);
}

void build_aside_sleep_again(void)
{
	begin_with_one_again();
	add_sender("sender", 1, 1);
	add_sleeper("sleeper1", 1);
	add_sleeper("sleeper2", 1);
}
