#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace act {

/// What a caller may do about a failure; service codes and errno values are folded into these in one place
/// each.
enum class kind {
    internal,        ///< a bug of ours
    usage,           ///< the command line
    configuration,   ///< a file or variable of the user's
    authentication,  ///< the credential was refused
    permission,      ///< the credential is good but does not allow this, or the file system says no
    not_found,
    conflict,      ///< already exists, leased, being deleted
    precondition,  ///< an If-Match or the like did not hold: somebody else changed it
    throttled,     ///< the service asks for less
    unavailable,   ///< network or service down, after retries
    timeout,
    stopped,    ///< the user or a sibling's failure ended it; never printed as an error of its own
    integrity,  ///< bytes differ from what their checksum says
    io,         ///< local file system
    disk_full,
    protocol,     ///< the peer sent something that is not what the document says
    unsupported,  ///< the service does not offer it
};

std::string_view to_string(kind);

/// A failure as a value: what failed, why, and what to try. Cheap to move and to copy (one shared pointer).
/// The message names the object; `advice` is one sentence in the imperative and may be empty.
class error {
public:
    error() = default;
    explicit error(kind k, std::string message, std::string advice = {});

    /// From errno: "cannot open /x: Permission denied". `what` says what was tried, with the path.
    static error from_errno(int number, std::string_view what);

    act::kind kind() const;
    const std::string& message() const;
    const std::string& advice() const;
    /// The service's error code ("BlobNotFound"), its HTTP status (0: none) and request id.
    const std::string& code() const;
    int status() const;
    /// The code is the name of an errno.
    bool names_errno() const;
    const std::string& request_id() const;

    /// Each returns the changed error, for use in one expression.
    error with_service(std::string code, int status, std::string request_id) &&;
    error with_advice(std::string advice) &&;
    /// Puts "context: " before the message.
    error in(std::string_view context) &&;

    /// One line for people: message, then service code and request id where known. Without the advice.
    std::string describe() const;

private:
    struct data;
    data& own();
    std::shared_ptr<data> data_;
};

/// The process exit code for a failure of this kind (DESIGN section 8).
int exit_code(kind);

}  // namespace act
