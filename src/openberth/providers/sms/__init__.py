"""Short messages: Aliyun SMS (Dysmsapi, version 2017-05-25) with requests signed by ACS3-HMAC-SHA256."""

from openberth.providers.sms.aliyun import AliyunSms

__all__ = ["AliyunSms"]
