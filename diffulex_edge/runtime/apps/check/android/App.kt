package android.app

import android.content.Context
import android.os.Bundle
import android.view.View

open class Activity : Context() {
    protected open fun onCreate(state: Bundle?) {}
    fun setContentView(view: View) {}
    fun runOnUiThread(action: Runnable) {}
    fun getExternalFilesDir(type: String?): java.io.File? = null
}
