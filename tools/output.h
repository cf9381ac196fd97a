/* Aligned tables and JSON lines. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_BYTES = 96 };

struct table_column {
	const char *title;
	bool right; /* aligned to the right: numbers */
};

/* Rows are kept until all are known, since the widest cell decides. */
struct table {
	const struct table_column *columns;
	size_t column_count;
	char (*cells)[TABLE_CELL_BYTES];
	size_t cell_count, cell_room;
};

void table_begin(struct table *table, const struct table_column *columns, size_t column_count);

/* The next cell, left to right and row by row. Out of memory leaves it out and table_print() says so. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints at most `rows_max` rows below the titles and frees the table. `line_end` closes each line
 * (a terminal needs more than a line feed). Returns 0, or -1 when memory ran out. */
int table_print(struct table *table, size_t rows_max, const char *line_end, FILE *file);

/* Prints `object` on one line and gives it back; NULL means that memory ran out while it was made.
 * Returns 0, or an exit status after a report. */
int output_json(json_t *object, FILE *file);

/* Unsigned 64-bit counters as JSON integers, which are signed. */
json_t *output_number(uint64_t number);

/* "1.5 MiB". */
void output_bytes(uint64_t bytes, char *ret_text, size_t text_bytes);

#endif
