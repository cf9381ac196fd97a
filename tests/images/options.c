#include "tests/images/options.h"

#include "tests/support/arguments.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void usage(const char *program, const char *what)
{
	fprintf(stderr,
		"%s: %s\nusage: %s [--victim PROGRAM] [--seed S] [--seconds N] [--images M] [--kills K] [--every "
		"E]\n"
		"       [--kill-every E] [--script NAME] [--fifo] [--engine] [--step N]\n",
		program, what, program);
	exit(2);
}

static uint64_t number_read(const char *program, const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 0);

	if (*text == '\0' || *end != '\0')
		usage(program, text);
	return number;
}

static void text_read(const char *program, const char *text, char ret_text[OPTION_TEXT])
{
	if (strlen(text) >= OPTION_TEXT)
		usage(program, "too long");
	strcpy(ret_text, text);
}

static void option_read(struct options *options, const char *program, const char *name, const char *value)
{
	const struct {
		const char *name;
		uint64_t *number;
		char *text;
	} known[] = {
		{"--victim", NULL, options->victim},  {"--script", NULL, options->script},
		{"--seed", &options->seed, NULL},     {"--seconds", &options->seconds, NULL},
		{"--images", &options->images, NULL}, {"--kills", &options->kills, NULL},
		{"--every", &options->every, NULL},   {"--kill-every", &options->kill_every, NULL},
		{"--step", &options->step, NULL},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		if (value == NULL)
			usage(program, "a value is missing");
		if (known[i].text)
			text_read(program, value, known[i].text);
		else
			*known[i].number = number_read(program, value);
		return;
	}
	usage(program, name);
}

struct options images_options_read(int count, char **values)
{
	struct options options = {.seed = test_seed(1), .every = 1, .kill_every = 40};
	char program[OPTION_TEXT];

	text_read(values[0], values[0], program);
	snprintf(options.victim, sizeof(options.victim), "%.200s/victim", dirname(program));
	for (int i = 1; i < count; i++) {
		options.engine_only |= strcmp(values[i], "--engine") == 0;
		options.fifo_only |= strcmp(values[i], "--fifo") == 0;
		if (strcmp(values[i], "--engine") == 0 || strcmp(values[i], "--fifo") == 0)
			continue;
		option_read(&options, values[0], values[i], i + 1 < count ? values[i + 1] : NULL);
		i++;
	}
	if (options.every == 0 || options.kill_every == 0)
		usage(values[0], "one in none");
	printf("seed %llu\n", (unsigned long long)options.seed);
	return options;
}
