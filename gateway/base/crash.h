/* crash.h - named crash points for tests/chaos: DUNLIN_CRASH_AT="intent-durable:3" kills the
 * process (SIGKILL to itself) the third time it passes GW_CRASH_POINT("intent-durable"). Compiled
 * to nothing unless the build has DUNLIN_CRASH_POINTS (dev and sanitizer presets; never release).
 * Thread: any. */
#ifndef GW_CRASH_H
#define GW_CRASH_H

#ifdef DUNLIN_CRASH_POINTS
void gw_crash_point(const char *name);
#define GW_CRASH_POINT(name) gw_crash_point(name)
#else
#define GW_CRASH_POINT(name) ((void)0)
#endif

#endif
