import Bytes

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Reads a file, a pipe or standard input from front to back.
package struct InputReader: ~Copyable {
  /// The path, or `-` for standard input: what messages call it.
  package let path: String
  private let descriptor: Descriptor

  /// Opens what `path` names, which may be a pipe; `-` is standard input.
  package init(_ path: String) throws(PlatformError) {
    self.path = path
    descriptor = try PlatformError.naming(.open, path) { () throws(Errno) in
      path == "-"
        ? try Descriptor(duplicating: 0) : try Descriptor(opening: path, flags: O_RDONLY)
    }
  }

  /// The next bytes, at most `count`, as soon as there are some; none are the end.
  package func read(upTo count: Int) throws(PlatformError) -> [UInt8] {
    try PlatformError.naming(.read, path) { () throws(Errno) in
      try descriptor.read(upTo: count)
    }
  }

  /// All the rest.
  ///
  /// - Throws: `.tooLarge` when there are more than `limit` bytes, of which no more are read then.
  package func readAll(limit: Int) throws(PlatformError) -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      // One more than there may be tells the end from the limit.
      let room = limit - bytes.count
      let chunk = try read(upTo: room < chunkSize ? room + 1 : chunkSize)
      if chunk.isEmpty { return bytes }
      bytes.append(contentsOf: chunk)
      if bytes.count > limit { throw .tooLarge(path: path, limit: limit) }
    }
  }
}

/// One line of an input, without its newline.
package struct InputLine: Hashable, Sendable {
  /// Counted from 1.
  package let number: Int
  package let bytes: [UInt8]
}

/// Reads an input line by line, and never holds more than one line and 64 KiB of it.
///
/// Only a newline ends a line; a last line may lack it.
package struct LineReader: ~Copyable {
  private let input: InputReader
  private let limit: Int
  private var chunk: ArraySlice<UInt8> = []
  private var lineCount = 0
  private var hasFailed = false

  /// Takes lines of at most `limit` bytes each, newlines not counted.
  package init(_ input: consuming InputReader, limit: Int) {
    self.input = input
    self.limit = limit
  }

  /// The next line, or `nil` at the end.
  ///
  /// - Throws: `.lineTooLong`, or what reading met; there is no going on after either.
  package mutating func next() throws(PlatformError) -> InputLine? {
    invariant(!hasFailed, "a line is read after an error")
    var line: [UInt8] = []
    do throws(PlatformError) {
      while true {
        if chunk.isEmpty {
          chunk = try input.read(upTo: chunkSize)[...]
          if chunk.isEmpty {
            return line.isEmpty ? nil : finish(line)
          }
        }
        let end = chunk.firstIndex(of: UInt8(ascii: "\n"))
        let part = chunk[..<(end ?? chunk.endIndex)]
        guard part.count <= limit - line.count else {
          throw .lineTooLong(path: input.path, line: lineCount + 1, limit: limit)
        }
        line.append(contentsOf: part)
        chunk = chunk[(end.map { $0 + 1 } ?? chunk.endIndex)...]
        if end != nil { return finish(line) }
      }
    } catch {
      hasFailed = true
      throw error
    }
  }

  private mutating func finish(_ line: [UInt8]) -> InputLine {
    lineCount += 1
    return InputLine(number: lineCount, bytes: line)
  }
}

/// How much is asked for at once.
private let chunkSize = 65_536
