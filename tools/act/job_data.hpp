#pragma once

#include "submit/backend/backend.hpp"
#include "tools/act/session.hpp"

namespace act::cli {

/// Brings the data of jobs to this machine.
class job_data : public backend::data_source {
public:
    /// The session outlives this.
    job_data(session& s, const std::string&) : session_(s) {}

    task<result<bool>> fetch(cluster::location from, std::string to, act::until) override;

private:
    session& session_;
};

}  // namespace act::cli
