/* crash.h - named crash points for tests/chaos. A process kills itself (SIGKILL) when it passes
 * GW_CRASH_POINT(name) for the n-th time:
 *   DUNLIN_CRASH_AT="intent-after-commit:3"   in every process that passes it so often
 *   DUNLIN_CRASH_FILE=PATH                    a file with the same text, looked for at each pass
 * and removed by the one process that crashes: it can be written while the processes run, and a
 * process that is started again does not crash again Compiled to nothing unless the build has
 * DUNLIN_CRASH_POINTS (dev and sanitizer presets; never release). Thread: any. */
#ifndef GW_CRASH_H
#define GW_CRASH_H

#ifdef DUNLIN_CRASH_POINTS
void gw_crash_point(const char *name);
#define GW_CRASH_POINT(name) gw_crash_point(name)
#else
#define GW_CRASH_POINT(name) ((void)0)
#endif

#endif
