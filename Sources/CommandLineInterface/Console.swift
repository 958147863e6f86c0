/// What a program's surroundings give its command line; the main file fills it in.
package struct Console {
  /// Hands bytes over, all of them, or says why it can't.
  package typealias Sink = ([UInt8]) throws(SinkError) -> Void

  /// The value of an environment variable, `nil` where it isn't set.
  package let environment: (String) -> String?
  /// Standard output: data, and nothing else.
  package let output: Sink
  /// Standard error: talk.
  package let talk: Sink
  package let outputIsTerminal: Bool
  package let talkIsTerminal: Bool
  /// The terminal's columns; 80 where nobody knows.
  package let width: Int

  package init(
    environment: @escaping (String) -> String?, output: @escaping Sink, talk: @escaping Sink,
    outputIsTerminal: Bool, talkIsTerminal: Bool, width: Int
  ) {
    self.environment = environment
    self.output = output
    self.talk = talk
    self.outputIsTerminal = outputIsTerminal
    self.talkIsTerminal = talkIsTerminal
    self.width = width
  }
}

/// Why a stream takes no more bytes.
package enum SinkError: Error, Hashable, Sendable {
  /// Whoever read a pipe went away (EPIPE): nobody is left to be told.
  case readerIsGone
  /// - Parameter code: The C library's `errno`.
  case failed(code: Int32)
}

/// How a line or row stands out where colour is wanted.
package enum Style: Int, Sendable {
  // The raw values are the parameters of SGR (ECMA-48 §8.3.117).
  case strong = 1
  case muted = 2
  case bad = 31
  case good = 32
  case doubtful = 33
}
