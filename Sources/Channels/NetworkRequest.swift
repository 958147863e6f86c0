/// One exchange with a server that libcurl is to carry out.
struct NetworkRequest {
  enum Action: Hashable {
    case mail(from: String, to: String)
    case post
    case get
    /// Connects to a mail server, with encryption and login as told, and asks it for nothing.
    case greet
  }

  /// The schemes that the URL may have; curl would go by any other that it knows.
  enum Schemes: String {
    case smtp, smtps, https
    case any = "http,https"
  }

  var action: Action
  var url: String
  var schemes: Schemes
  var headers: [String] = []
  var body: [UInt8] = []
  var login: (user: String, password: String)?
  /// Whether a connection that isn't encrypted from its beginning must be before anything is said.
  var requiresTLS = false
  /// A file of certificates in place of the system's.
  var authorities: String?
  /// Which addresses may be connected to; `nil`: all.
  var addresses: AddressGuard?
  var pace: ChannelPace
}

/// What an exchange came to.
struct NetworkEnd: Hashable {
  /// How far the connection came, by the classes that matter to whoever sent a message.
  enum Course: Hashable {
    /// The server answered to the end.
    case answered
    case hostNotFound
    case notConnected
    case addressRefused
    case badCertificate
    case notEncrypted
    case loginDenied
    case timedOut
    case lost

    /// The code of a failure on the way, or `nil` where the server's answer has one.
    var code: String? {
      switch self {
      case .answered: nil
      case .hostNotFound: "host-not-found"
      case .notConnected: "not-connected"
      case .addressRefused: "address-refused"
      case .badCertificate: "bad-certificate"
      case .notEncrypted: "not-encrypted"
      case .loginDenied: "login-denied"
      case .timedOut: "timed-out"
      case .lost: "connection-lost"
      }
    }
  }

  var course: Course
  /// The status of HTTP or the reply code of SMTP; 0: there is none.
  var status: Int
  /// The last line that a mail server replied, without its end.
  var reply = ""
  /// The beginning of what a web server answered.
  var answer: [UInt8] = []
  /// Whether all of the message may have left, so that only an answer tells what became of it.
  var isSent: Bool
  /// Whether the server replied after that.
  var isAnsweredSinceSent = false
  /// How long the server asks not to be asked again; 0: it doesn't.
  var retryAfterSeconds: Int64 = 0
  /// Whether the connection had carried other messages before.
  var isReused = false
}
