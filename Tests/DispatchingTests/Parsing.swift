import Bytes
import Dispatching
import Events
import Testing

extension JSONObject {
  /// The object that a JSON text spells.
  init(_ text: String) throws {
    guard case .object(let object) = try JSON(parsing: Array(text.utf8)) else {
      throw RequestError(path: "", problem: .missing)
    }
    self = object
  }
}

/// What parsing refuses in `text`, as `path: problem`; `nil` where it takes it.
func refusal<Value>(
  _ text: String, _ parse: ([UInt8]) throws(RequestError) -> Value
) -> RequestError? {
  do {
    _ = try parse(Array(text.utf8))
    return nil
  } catch {
    return error
  }
}

extension RequestError {
  init(_ path: String, _ problem: Problem) { self.init(path: path, problem: problem) }
}

func id(_ text: String) throws -> EntityID { try #require(EntityID(text)) }

func channel(_ text: String) throws -> ChannelCode { try #require(ChannelCode(text)) }

extension ChannelCode {
  static let sms = named("sms")
  static let email = named("email")

  private static func named(_ text: String) -> ChannelCode {
    guard let code = ChannelCode(text) else { fatalError("\(text) is a channel's code") }
    return code
  }
}
