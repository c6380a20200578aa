#include "submit/runs/error_classes.hpp"

namespace act::runs {
namespace {

// What programs print, as far as it tells one cause from another. Each alternative of a pattern has some
// plain text of at least three characters, which is what lines are searched for.
const error_rule rules[] = {
    {.name = "CodeNotAvail",
     .pattern =
         "cannot find or open .*\\.zip|End-of-central-directory signature not found|cannot unpack the code"},
    {.name = "NodeLost",
     .pattern =
         "its supervisor ended before it|NODE_FAIL|PREEMPTED|BOOT_FAIL|DUE TO NODE FAILURE|DUE TO PREEMPTION",
     .retriable = true},
    {.name = "OOM",
     .pattern = "CUDA out of memory|torch\\.cuda\\.OutOfMemoryError|torch\\.OutOfMemoryError|"
                "CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation",
     .near_barrier = "Init"},
    {.name = "Init",
     .pattern = "CUDA driver initialization failed|Unexpected error from cudaGetDeviceCount|"
                "CUDA_ERROR_NOT_INITIALIZED|No CUDA GPUs are available|CUDA_ERROR_NO_DEVICE",
     .retriable = true},
    {.name = "init",
     .pattern = "CUDA error: initialization error|cudaErrorInitializationError",
     .retriable = true},
    {.name = "init_access", .pattern = "Signal code: Address not mapped", .retriable = true},
    {.name = "before", .pattern = "Connection reset by peer before", .retriable = true},
    {.name = "ECC", .pattern = "uncorrectable ECC error|Double Bit ECC", .retriable = true},
    {.name = "illegal_access",
     .pattern = "an illegal memory access was encountered|cudaErrorIllegalAddress",
     .near_barrier = "init_access"},
    {.name = "copy_if", .pattern = "copy_if failed to synchronize"},
    {.name = "IBVModifyQP", .pattern = "ibv_modify_qp failed", .retriable = true},
    {.name = "IBError",
     .pattern = "IBV_WC_[A-Z_]*ERR|NET/IB : Got completion .*with error|ibv_poll_cq.*failed"},
    {.name = "NCCLTimeout",
     .pattern = "Watchdog caught collective operation timeout|ncclSystemError.*timed out",
     .retriable = true},
    {.name = "NCCLSocket",
     .pattern = "NCCL WARN .*socket.*|socketStartConnect: Connect to|socketProgressOpt: Call to recv",
     .retriable = true},
    {.name = "ORTE_comm",
     .pattern = "ORTE has lost communication with a remote daemon|lost connection to a remote daemon",
     .retriable = true},
    {.name = "waiting",
     .pattern = "waiting for sshd|sshd is not ready",
     .retriable = true,
     .more_than = 1000},
    {.name = "blobIO",
     .pattern = "OSError: \\[Errno 5\\]|Input/output error|Transport endpoint is not connected",
     .retriable = true},
    {.name = "NoSpace", .pattern = "No space left on device", .retriable = true},
    {.name = "BlobThrottle",
     .pattern = "BlockCountExceedsLimit|block count .*exceeds the maximum|OperationTimedOut.*ServerBusy"},
    {.name = "NaN",
     .pattern = "[Ll]oss is (NaN|nan)|loss: nan|NaN or Inf found in input|FloatingPointError.*(NaN|nan)"},
    {.name = "RegNaN", .pattern = "loss_box_reg.*: nan|loss_rpn_box_reg.*: nan"},
    {.name = "ScaleNaN", .pattern = "Current loss scale already at minimum|Minimum loss scale reached"},
    {.name = "DSNaN", .pattern = "\\[deepspeed\\].*OVERFLOW.*reached minimum"},
    {.name = "ModuleErr", .pattern = "ModuleNotFoundError: |ImportError: "},
    {.name = "FileNotFound", .pattern = "FileNotFoundError: |can't open file '"},
    {.name = "TooMany", .pattern = "Too many open files"},
    {.name = "Loader", .pattern = "DataLoader worker .*(killed|exited)|unable to write to file </torch_"},
    {.name = "daemon", .pattern = "daemonic processes are not allowed to have children"},
    {.name = "InputSmall",
     .pattern = "Given input size: .*too small|Kernel size can't be greater than actual input"},
    {.name = "mask compile", .pattern = "maskrcnn_benchmark.*(_C|undefined symbol)"},
    {.name = "HuggingFaceConnect",
     .pattern =
         "couldn't connect to 'https://huggingface\\.co'|HTTPSConnectionPool\\(host='huggingface\\.co'"},
    {.name = "DeprecatedNoIterInSampler",
     .pattern = "Sampler' object is not iterable|Sampler.*has no attribute '__iter__'"},
    {.name = "Hang", .pattern = "gpu_util[^0-9]*(100[%, ]*)+[^0-9]*$", .more_than = 128, .successive = true},
    // What often only follows from another rank's failure.
    {.name = "cuda", .pattern = "CUDA error: |CUDA_ERROR_UNKNOWN|cudaErrorUnknown", .general = true},
    {.name = "NCCL",
     .pattern = "NCCL error|ncclUnhandledCudaError|ncclRemoteError",
     .general = true,
     .near_barrier = "before"},
    {.name = "connect",
     .pattern =
         "Connection timed out|connect\\(\\) timed out|ConnectionRefusedError|Connection reset by peer",
     .general = true,
     .near_barrier = "before"},
};

}  // namespace

std::span<const error_rule> known_error_rules() { return rules; }

}  // namespace act::runs
