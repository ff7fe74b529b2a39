"""The values that some parameters of v3 are limited to, under the vendor's names."""

from __future__ import annotations

import enum

__all__ = [
    "NoiseSuppressionModel",
    "SpeechModel",
    "StreamEncoding",
    "StreamingDomain",
    "StreamingMode",
    "StreamingPiiPolicy",
    "StreamingPiiSubstitution",
]


class StreamEncoding(enum.StrEnum):
    """The encoding of the audio. Compressed audio is sent as it comes, a piece in each message."""

    pcm_s16le = "pcm_s16le"
    pcm_mulaw = "pcm_mulaw"
    opus = "opus"
    ogg_opus = "ogg_opus"
    aac = "aac"

    @property
    def bytes_per_sample(self) -> int | None:
        """Width of one mono sample, in bytes; None for compressed audio."""
        return {"pcm_s16le": 2, "pcm_mulaw": 1}.get(self.value)


class SpeechModel(enum.StrEnum):
    """The vendor's models; our server takes each name as an alias of its own model."""

    universal_streaming_english = "universal-streaming-english"
    universal_streaming_multilingual = "universal-streaming-multilingual"
    universal_3_6_pro = "universal-3-6-pro"
    universal_3_6 = "universal-3-6"
    universal_3_5_pro = "universal-3-5-pro"
    u3_rt_pro = "u3-rt-pro"
    u3_rt_pro_beta_1 = "u3-rt-pro-beta-1"
    u3_pro = "u3-pro"
    whisper_rt = "whisper-rt"


class StreamingMode(enum.StrEnum):
    """The balance of latency and accuracy."""

    min_latency = "min_latency"
    balanced = "balanced"
    max_accuracy = "max_accuracy"


class StreamingDomain(enum.StrEnum):
    """The domain of the speech."""

    medical = "medical-v1"


class NoiseSuppressionModel(enum.StrEnum):
    """The distance between speaker and microphone."""

    near_field = "near-field"
    far_field = "far-field"


class StreamingPiiSubstitution(enum.StrEnum):
    """The replacement for redacted text."""

    hash = "hash"
    entity_name = "entity_name"


class StreamingPiiPolicy(enum.StrEnum):
    """Kinds of personal data to redact."""

    account_number = "account_number"
    banking_information = "banking_information"
    blood_type = "blood_type"
    credit_card_cvv = "credit_card_cvv"
    credit_card_expiration = "credit_card_expiration"
    credit_card_number = "credit_card_number"
    date = "date"
    date_interval = "date_interval"
    date_of_birth = "date_of_birth"
    drivers_license = "drivers_license"
    drug = "drug"
    duration = "duration"
    email_address = "email_address"
    event = "event"
    filename = "filename"
    gender = "gender"
    gender_sexuality = "gender_sexuality"
    healthcare_number = "healthcare_number"
    injury = "injury"
    ip_address = "ip_address"
    language = "language"
    location = "location"
    marital_status = "marital_status"
    medical_condition = "medical_condition"
    medical_process = "medical_process"
    money_amount = "money_amount"
    nationality = "nationality"
    number_sequence = "number_sequence"
    occupation = "occupation"
    organization = "organization"
    organization_medical_facility = "organization_medical_facility"
    passport_number = "passport_number"
    password = "password"  # noqa: S105  - a kind of data
    person_age = "person_age"
    person_name = "person_name"
    phone_number = "phone_number"
    physical_attribute = "physical_attribute"
    political_affiliation = "political_affiliation"
    religion = "religion"
    sexuality = "sexuality"
    statistics = "statistics"
    time = "time"
    url = "url"
    us_social_security_number = "us_social_security_number"
    username = "username"
    vehicle_id = "vehicle_id"
    zodiac_sign = "zodiac_sign"
