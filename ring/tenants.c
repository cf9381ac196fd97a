#include "ring/tenants.h"

void tenants_judge(struct tenants *tenants)
{
	int64_t total = 0, most = 0, with_any = 0;

	/* Two at a time; that of TENANT_NONE is 0. */
	for (uint32_t i = 0; i < TENANT_COUNT / 2; i++) {
		/* relaxed: hints */
		uint64_t pair = load_relaxed((const atomic_u64 *)(const void *)tenants->live + i);

		for (; pair != 0; pair >>= 32) {
			int64_t live = (int32_t)pair;

			if (live <= 0)
				continue;
			with_any++;
			total += live;
			if (live > most)
				most = live;
		}
	}
	/* live > SHARE * (total - live) / (with_any - 1), solved for live. */
	tenants->limit = with_any < 2 ? INT64_MAX : TENANT_SHARE * total / (with_any - 1 + TENANT_SHARE);
	if (tenants->limit < TENANT_FLOOR)
		tenants->limit = TENANT_FLOOR;
	tenants->any_is_noisy = most > tenants->limit;
}
