import Bytes
package import CommandLineInterface
import Dispatching
package import Ledger
import Platform

/// Reads what commands are made from: a file, or standard input where its name is `-`.
package enum CallInput {
  /// The most bytes of one call.
  static let limit = 256 << 20

  static func read(_ file: Input) throws(CommandFailure) -> [UInt8] {
    let path = if case .file(let path) = file { path } else { "-" }
    do { return try readFile(path, limit: limit) } catch { throw CommandFailure(error) }
  }

  /// A request, or JSON Lines of them, all of them parsed once before any is decided.
  ///
  /// A text whose first line is a whole JSON value is JSON Lines; any other is one request.
  static func requests(_ bytes: [UInt8], areTests: Bool) throws(CommandFailure) -> CallText {
    func command(_ text: some Sequence<UInt8>) throws(RequestError) -> Command {
      var request = try DispatchRequest(parsing: Array(text))
      if areTests { request.markAsTest() }
      return .dispatch(request)
    }
    let lines = lines(of: bytes)
    if lines.count > 1, (try? JSON(parsing: Array(bytes[lines[0].range]))) != nil {
      return try CallText(bytes, lines) { (line) throws(RequestError) in try command(line) }
    }
    let whole = try parsing { () throws(RequestError) in try command(bytes) }
    return CallText(call: Call([whole]), lines: [])
  }

  /// JSON Lines of commands, all of them parsed once before any is decided.
  static func commands(_ bytes: [UInt8]) throws(CommandFailure) -> CallText {
    let lines = lines(of: bytes)
    guard !lines.isEmpty else {
      throw CommandFailure(.badInput, "there is no command", notDone: "nothing was appended")
    }
    return try CallText(bytes, lines) { (line) throws(RequestError) in
      try Command(parsing: line)
    }
  }

  /// What stands in a file that was dropped: commands where its first line names one, else requests.
  package static func dropped(_ bytes: [UInt8]) throws(CommandFailure) -> CallText {
    if let first = lines(of: bytes).first,
      case .object(let object)? = try? JSON(parsing: Array(bytes[first.range])),
      object["command"] != nil
    {
      return try commands(bytes)
    }
    return try requests(bytes, areTests: false)
  }

  /// What providers and mail servers said: JSON Lines of our own, Twilio's callbacks, one a line, or
  /// one delivery status notification.
  package static func results(_ bytes: [UInt8], origin: String) throws(CommandFailure) -> CallText {
    let lines = lines(of: bytes)
    guard let first = lines.first else {
      throw CommandFailure(.badInput, "there is no result", notDone: "nothing was appended")
    }
    let text = bytes[first.range].drop { $0 == UInt8(ascii: " ") }
    if text.first == UInt8(ascii: "{") {
      return try CallText(bytes, lines) { (line) throws(RequestError) in
        var object = try JSON.document(line)
        object["command"] = object["command"] ?? "result"
        return try Command(object)
      }
    }
    // A form's body holds no space, and a message begins with a header field or an envelope line.
    if !text.contains(where: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: ":") }) {
      return try CallText(bytes, lines) { (line) throws(RequestError) in
        let body = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
        return try Command(try ProviderResults.twilio(body))
      }
    }
    let commands = try parsing { () throws(RequestError) in
      var commands: [Command] = []
      for object in try ProviderResults.deliveryStatus(bytes, origin: origin) {
        commands.append(try Command(object))
      }
      return commands
    }
    return CallText(call: Call(commands), lines: [])
  }

  static func catalogue(_ bytes: [UInt8]) throws(CommandFailure) -> CatalogueDocument {
    try parsing { () throws(RequestError) in try CatalogueDocument(parsing: bytes) }
  }

  /// The lines that aren't blank, with their numbers from 1.
  private static func lines(of bytes: [UInt8]) -> [InputLine] {
    var lines: [InputLine] = []
    var (start, number) = (0, 0)
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      number += 1
      if bytes[start..<end].contains(where: { !" \t\r".utf8.contains($0) }) {
        lines.append(InputLine(number: number, range: start..<end))
      }
      start = end + 1
    }
    return lines
  }

  private static func parsing<Value>(
    _ parse: () throws(RequestError) -> Value
  ) throws(CommandFailure) -> Value {
    do { return try parse() } catch { throw failure(error.text) }
  }

  static func failure(_ text: String) -> CommandFailure {
    CommandFailure(
      .badInput, text, notDone: "nothing was appended", hint: "correct the input and call again")
  }
}

/// A line of input that isn't blank: its number from 1, and where it stands.
struct InputLine {
  let number: Int
  let range: Range<Int>
}

/// A call together with where its entries stand in the input.
package struct CallText {
  package let call: Call
  /// One an entry; empty where entries aren't lines.
  private let lines: [InputLine]

  init(call: Call, lines: [InputLine]) {
    self.call = call
    self.lines = lines
  }

  /// Parses every line, and keeps only the text: a line is parsed again when its turn comes.
  init(
    _ bytes: [UInt8], _ lines: [InputLine],
    _ parse: @escaping ([UInt8]) throws(RequestError) -> Command
  ) throws(CommandFailure) {
    self.lines = lines
    call = try Call(count: lines.count) { (index) throws(CommandFailure) in
      let line = lines[index]
      do throws(RequestError) { return try parse(Array(bytes[line.range])) } catch {
        throw CallInput.failure("line \(line.number): \(error.text)")
      }
    }
  }

  /// The entry whose number from 0 this is: `line 12`, or `entry 12 of 40`.
  func place(of entry: Int) -> String {
    lines.isEmpty ? "entry \(entry + 1) of \(call.count)" : "line \(lines[entry].number)"
  }
}
