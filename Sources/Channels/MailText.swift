import Bytes

/// A letter in the form of the internet (RFC 5322), with a body of quoted-printable UTF-8 (RFC 2045).
///
/// Nothing that it is made from can end a line of a header or begin another one.
struct MailText {
  let from: String
  let fromName: String?
  let replyTo: String?
  let to: String
  let messageID: String
  let date: Instant
  let subject: String
  let body: String

  /// Lines that end with CR LF, of at most 78 bytes but for addresses and ids.
  var bytes: [UInt8] {
    var lines = [
      "Date: \(mailDate(date))", "From: \(sender)", "To: \(to)",
      "Subject: \(unstructured(subject, indent: 9))", "Message-ID: \(messageID)",
      "Auto-Submitted: auto-generated", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: quoted-printable",
    ]
    if let replyTo { lines.append("Reply-To: \(replyTo)") }
    var bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    appendQuotedPrintable(body, to: &bytes)
    return bytes
  }

  private var sender: String {
    guard let fromName else { return from }
    // Always encoded: a bare name would need quotes, and rules of its own for what stands in them.
    return "\(encodedWords(oneLine(fromName, replacement: " "), indent: 6)) <\(from)>"
  }

  /// Text that is no address: as it stands where every reader takes it so, else encoded.
  private func unstructured(_ text: String, indent: Int) -> String {
    let line = oneLine(text, replacement: " ")
    let isPlain =
      line.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !line.utf8.contains("=?")
      && line.utf8.count + indent <= 78 && line.utf8.first != UInt8(ascii: " ")
      && line.utf8.last != UInt8(ascii: " ")
    return isPlain ? line : encodedWords(line, indent: indent)
  }
}

extension String.UTF8View {
  fileprivate func contains(_ text: StaticString) -> Bool {
    let pattern = Array("\(text)".utf8)
    return indices.contains { self[$0...].starts(with: pattern) }
  }
}

/// `text` as encoded words of base 64 (RFC 2047), each of at most 75 bytes, one a line.
///
/// - Parameter indent: The bytes that stand before it on its first line.
func encodedWords(_ text: String, indent: Int) -> String {
  var words: [String] = []
  // `=?utf-8?B?` and `?=` leave 63 of 75, of which base 64 takes 60 for 45 bytes.
  var room = (75 - 12 - indent) / 4 * 3
  var piece: [UInt8] = []
  for scalar in text.unicodeScalars {
    // No character may be divided between two words.
    let next = Array(String(scalar).utf8)
    if piece.count + next.count > room {
      words.append("=?utf-8?B?\(Base64.encode(piece))?=")
      piece = []
      room = 45
    }
    piece += next
  }
  words.append("=?utf-8?B?\(Base64.encode(piece))?=")
  return words.joined(separator: "\r\n ")
}

/// Appends `text` as quoted-printable (RFC 2045 §6.7), in lines of at most 76 bytes.
///
/// Characters that hide or turn the direction of writing become question marks.
func appendQuotedPrintable(_ text: String, to bytes: inout [UInt8]) {
  var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  // The newline that ends the last line begins no other.
  if lines.last?.isEmpty == true { lines.removeLast() }
  for line in lines {
    let content = Array(oneLine(String(Substring(line)), replacement: "?").utf8)
    var length = 0
    for (index, byte) in content.enumerated() {
      let isLast = index == content.count - 1
      // A mailbox file would put a mark before this word (RFC 2049 §3).
      let isMarked = index == 0 && content.starts(with: "From ".utf8)
      let isPlain =
        !isMarked && (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=")
        || byte == UInt8(ascii: " ") && !isLast
      let width = isPlain ? 1 : 3
      // One byte is left for the mark of a line that goes on.
      if length + width > 75 {
        bytes += "=\r\n".utf8
        length = 0
      }
      if isPlain {
        bytes.append(byte)
      } else {
        bytes += [UInt8(ascii: "="), hex(byte >> 4), hex(byte & 15)]
      }
      length += width
    }
    bytes += "\r\n".utf8
  }
}

private func hex(_ digit: UInt8) -> UInt8 {
  digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10
}

/// `Mon, 23 Nov 2026 17:23:59 +0000` (RFC 5322 §3.3).
func mailDate(_ instant: Instant) -> String {
  let time = instant.civil
  let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
  // 1970-01-01 was a Thursday.
  let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  let weekday = ((time.daysFromEpoch % 7) + 7) % 7
  return "\(days[weekday]), \(padded(time.day, 2)) \(months[time.month - 1]) "
    + "\(padded(time.year, 4)) \(padded(time.hour, 2)):\(padded(time.minute, 2))"
    + ":\(padded(time.second, 2)) +0000"
}
