/* The hash of a page that is the same in each run that leaves the same there. */
#ifndef TEST_IMAGES_PAGE_HASH_H
#define TEST_IMAGES_PAGE_HASH_H

#include "tests/images/files.h"

/* `file` is one of `files`, and has its memory. */
uint64_t image_page_hash(const struct files *files, const struct file *file, const struct page *page);

#endif
