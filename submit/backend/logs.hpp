#pragma once

#include "submit/backend/backend.hpp"

/// Logs that are files on this machine, or on a file system that it shares. Private to this folder.
namespace act::backend {

struct log_file {
    std::string name;  ///< in the folder of the logs
    backend::stream stream;
};

/// What driver::logs promises, for these files in this order; those that are not there yet are passed over.
task<result<void>> pass_on_logs(runtime&, std::string folder, std::vector<log_file>, log_position&,
                                std::function<void(stream, std::string_view)> sink, until);

}  // namespace act::backend
