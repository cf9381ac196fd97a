/* Is this build watched by a sanitizer? Some tests cannot be: a traced process may not be traced twice,
 * and ThreadSanitizer does not follow forks. */
#ifndef TEST_SANITIZER_H
#define TEST_SANITIZER_H

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer) || defined(RL_TSAN)
enum { UNDER_THREAD_SANITIZER = 1 };
#else
enum { UNDER_THREAD_SANITIZER = 0 };
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
enum { UNDER_ADDRESS_SANITIZER = 1 };
#else
enum { UNDER_ADDRESS_SANITIZER = 0 };
#endif

#endif
