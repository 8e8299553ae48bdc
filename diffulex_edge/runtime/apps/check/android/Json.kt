package org.json

class JSONObject(text: String) {
    fun getJSONObject(name: String) = this
    fun getString(name: String) = name
    fun getLong(name: String) = 0L
    fun keys(): Iterator<String> = emptyList<String>().iterator()
}
