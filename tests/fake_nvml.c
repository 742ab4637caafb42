/* A machine with two GPUs, as NVIDIA's management library shows it: the symbols that pynvml calls, nothing else.
   FAKE_NVML_INIT is the code that initialization returns; FAKE_NVML_LOST=1 makes the second GPU answer "GPU is lost". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };

typedef struct { int index; } Gpu;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int gpu, memory; } Utilization;
typedef struct { unsigned int pid; unsigned long long used; unsigned int gpu_instance, compute_instance; } Process;

static Gpu gpus[2] = {{0}, {1}};
static const char *names[2] = {"Fake A100", "Fake T4"};
static const char *uuids[2] = {"GPU-11111111-0000-0000-0000-000000000000", "GPU-22222222-0000-0000-0000-000000000000"};
static const Memory memories[2] = {{80000, 50000, 30000}, {16000, 16000, 0}};

static int lost(const Gpu *gpu) { return gpu->index == 1 && getenv("FAKE_NVML_LOST") != NULL; }

int nvmlInitWithFlags(unsigned int flags) {
    const char *code = getenv("FAKE_NVML_INIT");
    (void)flags;
    return code ? atoi(code) : SUCCESS;
}

int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return SUCCESS; }
const char *nvmlErrorString(int code) { return code == GPU_IS_LOST ? "GPU is lost" : "Fake error"; }

int nvmlDeviceGetCount_v2(unsigned int *count) {
    *count = 2;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, Gpu **gpu) {
    if (index > 1) return INVALID_ARGUMENT;
    *gpu = &gpus[index];
    return SUCCESS;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, Gpu **gpu) {
    for (int index = 0; index < 2; index++)
        if (strcmp(uuid, uuids[index]) == 0) {
            *gpu = &gpus[index];
            return SUCCESS;
        }
    return NOT_FOUND;
}

int nvmlDeviceGetName(const Gpu *gpu, char *name, unsigned int size) {
    if (lost(gpu)) return GPU_IS_LOST;
    snprintf(name, size, "%s", names[gpu->index]);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(const Gpu *gpu, Memory *memory) {
    if (lost(gpu)) return GPU_IS_LOST;
    *memory = memories[gpu->index];
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(const Gpu *gpu, Utilization *rates) {
    if (lost(gpu)) return GPU_IS_LOST;
    rates->gpu = gpu->index == 0 ? 75 : 0;
    rates->memory = 10;
    return SUCCESS;
}

/* The first GPU runs processes 101 (20000 bytes), 102 (9000) and 103, whose memory the driver does not tell. */
int nvmlDeviceGetComputeRunningProcesses_v3(const Gpu *gpu, unsigned int *count, Process *processes) {
    static const Process running[3] = {{101, 20000, 0, 0}, {102, 9000, 0, 0}, {103, ~0ULL, 0, 0}};
    if (gpu->index == 1) {
        *count = 0;
        return SUCCESS;
    }
    if (*count < 3 || processes == NULL) {
        *count = 3;
        return INSUFFICIENT_SIZE;
    }
    memcpy(processes, running, sizeof running);
    *count = 3;
    return SUCCESS;
}
