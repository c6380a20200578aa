#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "transfer/client/client.hpp"

namespace act::auth {
class live_token;
}

namespace act::ops {

/// What is known of copying from one account to another: how the source lets itself be read, and which
/// operations the destination has refused, so that a refusal is met once and not for every blob. One for each
/// pair of accounts and run. Thread-safe.
class copy_link {
public:
    /// A read-only SAS is minted from `key`, for one container and an hour, again in good time before it runs
    /// out; without a key `sas` is passed on. With neither, everything goes through this machine.
    copy_link(blob::client& from, secret key, secret sas);
    /// The source's access token is shown, in the forms that take one. It goes to `to` and from there to the
    /// source; where it would not stay secret all the way, everything goes through this machine.
    copy_link(blob::client& from, std::shared_ptr<auth::live_token>, const blob::client& to);

    /// What the destination's service may be asked to do.
    enum class form { put_blob, put_block, whole_blob };
    bool may(form) const;

    /// What the destination is told to read, for the next request alone: the credential is one that is good
    /// now. kind::configuration when the key cannot sign; kind::unsupported when the address is too long for
    /// a header; what there is to say when no token can be had. The arguments outlive the call.
    task<result<blob::copy_origin>> origin(const blob::address&, const blob::properties& version, until,
                                           wall_time at = act::now());
    /// After a failed request to copy: true when the source refused the token, and another one is worth one
    /// more try.
    task<bool> renew(const error&, until);

    /// What a failed request to copy says of the next ones.
    enum class verdict {
        failed,   ///< nothing: the failure is this blob's, and final
        relay,    ///< nothing, but this blob may well come through this machine
        suspect,  ///< if it does, the service cannot be relied on to read from there
        refused,  ///< the service does not do this, or may not read from there
    };
    static verdict judge(const error&);
    /// Takes in a refusal: of this form alone where the service lacks it, else of all.
    void remember(form, const error&);

    /// Whether `to` may be asked to read a blob that is under a customer-provided key, which is shown to it
    /// and by it to the source: where the key stays secret all the way.
    bool may_show_key(const blob::client& to) const;
    /// The service does not know of source keys, or could not use one.
    void remember_key_refused(const error&);

private:
    result<secret> signature(const std::string& container, wall_time at);

    blob::client& from_;
    secret key_;
    secret sas_;
    std::shared_ptr<auth::live_token> token_;  ///< null: by signature
    std::atomic<bool> refused_[3] = {};
    std::atomic<bool> key_refused_ = false;
    std::mutex mutex_;
    struct minted {
        secret query;
        wall_time renew{};
    };
    std::map<std::string, minted> minted_;  ///< by container
};

}  // namespace act::ops
