/* must.h - what a test's own scaffolding cannot go on without, release builds included. */
#ifndef TESTS_MUST_H
#define TESTS_MUST_H

#include "gateway/base/err.h"

#define MUST(what) ((what) ? (void)0 : gw_bug(#what))

#endif
