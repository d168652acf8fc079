"""A stand-in for Aliyun SMS (Dysmsapi 2017-05-25): requests signed by ACS3-HMAC-SHA256, and phones that show messages.

Written from the published documents; it shares no code with the adapter that talks to it.
"""
