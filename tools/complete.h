/* What the shell completion asks for: `ringlease __complete WORD...`. */
#ifndef TOOLS_COMPLETE_H
#define TOOLS_COMPLETE_H

struct command;

/* `words` are those after "ringlease" up to the cursor; the last one is being typed. Prints a candidate
 * a line, or ":files" or ":directories" for the shell to fill in. */
int complete_words(const struct command *root, int count, char **words);

#endif
