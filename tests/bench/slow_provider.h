/* slow_provider.h - an HTTP provider that takes every request and answers none before it is told
 * to: a thread of the measuring program, on a free port of this machine. */
#ifndef TESTS_BENCH_SLOW_PROVIDER_H
#define TESTS_BENCH_SLOW_PROVIDER_H

#include <stdbool.h>

typedef struct slow_provider slow_provider;

slow_provider *slow_provider_start(void);
int slow_provider_port(const slow_provider *s);
/* Whole requests it has and has not answered. */
int slow_provider_held(const slow_provider *s);
/* Wait until it holds so many; false after timeout_ms. */
bool slow_provider_await(const slow_provider *s, int held, int timeout_ms);
/* Answer all it holds, and from now on at once (true), or hold again (false). */
void slow_provider_answer(slow_provider *s, bool at_once);

#endif
