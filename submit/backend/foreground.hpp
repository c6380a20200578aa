#pragma once

#include <string>
#include <vector>

#include "engine/file/file.hpp"
#include "submit/backend/backend.hpp"
#include "submit/stage/container_program.hpp"

/// A job that runs here and now, whatever platform its cluster has: one process, no queue, no record.
namespace act::backend {

struct foreground_options {
    stage::container_program container_program;  ///< without a name: outside of the cluster's image
    bool terminal = false;                       ///< input and outputs are one
    bool keep = false;                           ///< the work folder stays after the end
};

/// Ready to be started by agent::become_foreground.
struct foreground_run {
    std::string work;  ///< its folder, to be removed if that fails
    std::string spec_file;
    /// Keep the work folder, and what it uses of the cache of fetched data there: to be held, or handed on,
    /// until the end.
    std::vector<file::descriptor> held;
};

/// The image that jobs of the cluster run in; empty where it names none.
std::string image_of(const cluster::config&);

/// Places the data as for a job on this machine and makes the work folder. The job sees all GPUs, or as many
/// as were asked for. Unless some were, a driver that does not work is a note.
task<result<foreground_run>> prepare_foreground(const cluster::config&, job, services&, foreground_options,
                                                until);

}  // namespace act::backend
