#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

namespace act {

/// A key, token or password. It prints as "***" whichever way it is printed; `reveal` is the only way to the
/// text.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) : text_(std::move(text)) {}

    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const secret&, const secret&) = default;
    friend std::ostream& operator<<(std::ostream&, const secret&);

private:
    std::string text_;
};

/// The log's form of a secret (log.hpp makes it fmt's form too).
inline std::string_view format_as(const secret& s) { return s.empty() ? "(none)" : "***"; }

/// The last backstop over a line that goes to a person or a file: hides the values of `sig=`, `AccountKey=`,
/// `SharedAccessSignature=`, `Authorization:` and bearer tokens wherever they stand.
std::string redact(std::string_view line);

}  // namespace act
